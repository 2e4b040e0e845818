# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether a success was read from the response or only from its HTTP code. Pure: no ORM, nothing is raised."""
import re

from .. import paths

EMPTY, PAGE, ERROR, UNREAD = 'empty', 'page', 'error', 'unread'
MAX_NODES = 2000
_HTML = re.compile(r'<(?:!doctype\s+html|html|head|body)\b', re.I)
_ERROR_WORD = re.compile(
    r'\b(?:err|errors?|errno|errcode|fail|failed|failure|fault|exception|invalid|unauthori[sz]ed|forbidden|denied'
    r'|reject(?:ed)?|undeliverable|insufficient|missing|wrong|unknown'
    r'|not\s+(?:allowed|authori[sz]ed|found|enough|valid|correct)|expired'
    r'|blocked|incorrect|bad\s+request|nok|ko|no\s+credits?)(?![a-z])', re.I)
_CODE_ONLY = re.compile(r'\s*-\d+\s*\Z')  # several providers answer with a negative number
_NO_ERROR = re.compile(r'\b(?:no|0|without)\s+errors?\b|\berr(?:or)?s?(?:[_ ]?code)?\s*[:=]\s*0+\b', re.I)
_NONE = frozenset(('', 'false', 'null', 'none', 'ok', 'no', 'success', 'n/a'))
_ZERO = re.compile(r'[a-z]*[^a-z0-9]*[0.]+')  # 0, 0.0 and ER-00
_ERROR_KEY = re.compile(r'(?:err|errors?)(?:code|no|msg|message|text|description)?|exception|fault')
_STATE_KEY = re.compile(
    r'(?:message|response)?(?:status|state|result|outcome)(?:text|name|message)?|message|msg|groupname|name'
    r'|description|title|detail|code|type')
_BOOLEANS = frozenset(('success', 'ok', 'return'))
_XML_ELEMENT = re.compile(r'<([A-Za-z_][\w.:-]*)[^<>]*>([^<]*)(?=<)')


def doubt(rules, result, text: str) -> str:
    """Return why a success is not certain, '' if the response confirms it or if it is none.

    :param AnswerRules rules: with which the response was read
    :param SendResult result:
    :param text: of the response
    :return: `EMPTY`, `PAGE` (HTML), `ERROR` (looks like one) or `UNREAD` (no rule describes the response)
    """
    if result.state != 'success' or result.rule not in (5, 6):
        return ''
    if not text.strip():
        return EMPTY
    if _HTML.search(text[:1000]):
        return PAGE
    if looks_like_error(text):
        return ERROR
    describes_errors = rules.error_key or rules.failure_map or (rules.status_path and rules.error_values)
    return '' if result.message_id or describes_errors else UNREAD


def looks_like_error(text: str) -> bool:
    """Return whether a response looks like an error message, whatever its HTTP code."""
    text = text.strip()
    if text[:1] in ('{', '['):
        try:
            return _has_error(paths.load_json(text))
        except ValueError:
            return bool(_ERROR_WORD.search(text[:200]))
    if text[:1] == '<':
        return any(_is_error(name.rpartition(':')[2], value) for name, value in _XML_ELEMENT.findall(text[:20_000]))
    if _CODE_ONLY.match(text):
        return True
    return bool(_ERROR_WORD.search(_NO_ERROR.sub('', text[:200])))


def _has_error(document):
    nodes, count = [('', document)], 0
    while nodes and count < MAX_NODES:
        count += 1
        key, node = nodes.pop()
        if isinstance(node, dict):
            # the code in {"error": {"code": 1}} is an error code
            prefix = 'error' if _ERROR_KEY.fullmatch(_letters(key)) else ''
            nodes += [(prefix + name, value) for name, value in node.items()]
        elif isinstance(node, list):
            nodes += [(key, item) for item in node]
        elif _is_error(key, node):
            return True
    return False


def _is_error(key, value):
    text = _spaced(paths.as_text(value))
    key = _letters(key)
    if _ERROR_KEY.fullmatch(key):
        return text not in _NONE and not _ZERO.fullmatch(text) and not text.startswith(('no ', 'success'))
    if key in _BOOLEANS and text in ('false', '0', 'no'):
        return True
    return bool(_STATE_KEY.fullmatch(key) and not _NO_ERROR.search(text) and _ERROR_WORD.search(text))


def _letters(key):
    return re.sub('[^a-z]', '', key.casefold())


def _spaced(text):
    """Return the words of `InvalidSenderId` or `NOT_ENOUGH_CREDIT`."""
    return re.sub(r'(?<=[a-z])(?=[A-Z])|[_-]+', ' ', text).casefold().strip()
