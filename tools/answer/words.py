# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Finds the words that explain an error in a response, for gateways that do not name their path. Pure: no ORM, nothing
is raised."""
import re
from collections.abc import Collection

from .. import paths

MAX_TEXT = 8192  # characters of a response without words that are shown
MAX_NODES = 2000
# Names without punctuation, the best ones first. Those of the next group count only without any of this one.
_TEXTS = (
    'errormessage', 'errormsg', 'errmsg', 'errortext', 'errordescription', 'errordetail', 'errordetails', 'faultstring',
    'message', 'msg', 'responsemessage', 'responsemsg', 'statusmessage', 'resultmessage',
    'messagedetails', 'detail', 'details', 'description', 'statusdescription', 'responsedescription', 'text', 'reason',
    'cause')
_TITLES = ('error', 'errors', 'err', 'title')
_CODES = ('errorname', 'errorcode', 'code', 'responsestatus', 'responsecode', 'statustext', 'statusname', 'status')
_RANKS = {name: (group, rank) for group, names in enumerate((_TEXTS, _TITLES, _CODES))
          for rank, name in enumerate(names)}
_CONTAINER = re.compile('err|exception|fault|violation')
_PAGE = re.compile(r'<(?:!doctype\s+)?html\b', re.I)
_ADDRESS = re.compile(r'https?://\S+')
_LETTER = re.compile(r'[^\W\d_]')
_EMPTY = frozenset(('ok', 'success', 'successful', 'fail', 'failed', 'failure', 'error', 'nok', 'ko', 'bad'))
# of a part of the response that does not explain the error
_SUCCESS = re.compile(r'(?<!not )(?<!not be )\b(?:accepted|created|queued|sent|submitted|success\w*)', re.I)
_ELEMENT = re.compile(r'<([A-Za-z_][\w.:-]*)(?:\s[^<>]*)?>(?:<!\[CDATA\[)?([^<>]+)(?:\]\]>)?</\1\s*>')


def summarize(text: str, ignored: Collection[str] = (), is_shared: bool = False) -> str:
    """Return what a response says about an error, on one line; '' if it is empty or a web page.

    Long numbers are removed from the response to a shared request, because each recipient's document shows the words.
    See `find_words` for the parameters.
    """
    if _PAGE.search(text[:500]):
        return ''
    words = find_words(text, ignored, is_shared) or ' '.join(text[:MAX_TEXT].split())
    return re.sub(r'\+?[0-9]{7,}', '…', words) if is_shared else words


def find_words(text: str, ignored: Collection[str] = (), is_shared: bool = False) -> str:
    """Return the provider's words in an error response.

    :param ignored: what the response may repeat of the request: texts of the SMS
    :param is_shared: the request had several recipients: a list may contain something else about each of them
    :return: '' if the response is neither JSON nor XML, or if nothing in it explains the error
    """
    text = text.strip('\ufeff \t\r\n')
    if text[:1] == '<':
        leaves = [((), name.rpartition(':')[2], value) for name, value in _ELEMENT.findall(text)]
    elif text[:1] in ('{', '['):
        try:
            leaves = _walk(paths.load_json(text), is_shared)
        except ValueError:
            return ''
    else:
        return ''
    named, sentences = [], []
    for parents, name, value in leaves:
        words = ' '.join(paths.as_words(value).split())
        if not _LETTER.search(words) or _ADDRESS.fullmatch(words) or _SUCCESS.search(words) or words in ignored:
            continue
        key, in_error = _letters(name), any(map(_CONTAINER.search, parents))
        if key in _RANKS:
            group, rank = _RANKS[key]
            if words.casefold() not in _EMPTY or key == 'error':
                named.append(((group, not in_error, rank, len(parents)), words))
        elif ' ' in words and text[:1] != '<':  # what is wrong with a field: {"to": ["This field is required."]}
            sentences.append((in_error, words))
    best = min(named)[1] if named else ''
    of_field = next((words for in_error, words in sentences if in_error or not best), '')
    if best and of_field and of_field not in best:
        return f'{best.rstrip(".:")}: {of_field}'
    return best or of_field


def _walk(document, is_shared):
    """Return the values of a JSON document in its order, each with the names above it and its own."""
    leaves, nodes, count = [], [((), '', document)], 0
    while nodes and count < MAX_NODES:
        count += 1
        parents, name, node = nodes.pop()
        if isinstance(node, dict):
            below = (*parents, _letters(name)) if name else parents
            children = [(below, key, child) for key, child in node.items()]
        elif isinstance(node, list):
            # the name of the list is both the name and the container of its items: {"errors": ["No credit"]}
            children = [(parents, name, child) for child in node] if len(node) == 1 or not is_shared else []
        else:
            leaves.append((parents, name, node))
            continue
        if len(parents) < paths.MAX_DEPTH:
            nodes += reversed(children)
    return leaves


def _letters(name):
    return re.sub('[^a-z]', '', name.casefold())
