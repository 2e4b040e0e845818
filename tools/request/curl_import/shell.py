# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The words of a pasted curl command, as bash, cmd or PowerShell would pass them to curl.

Commands come from documentation, so what a page or a word processor does to them is undone where it is unambiguous:
typographic quotes and dashes, prompts, a space after the backslash at the end of a line, lost line breaks.
"""
import re
from dataclasses import dataclass, field

from .bash import Posix
from .errors import CurlError
from .scanner import Scanner
from .windows import Cmd, PowerShell

MAX_LENGTH = 65536  # characters
_UNREADABLE = re.compile('[\0\ufdd0\ufdd1]')
# Not the word in a sentence: a command goes on with an option, a URL, a quote or a line continuation.
_CURL = re.compile(
    r'''(?:(?<=[\s;&|(`])|^)(?:[\w.:/\\-]*[/\\])?curl(?:\.exe)?[ \t\u00a0]+'''
    r'''(?=[-\u2013\u2014'"$<{%^`\\\u201c\u2018]|\w+:|\S*[./])''', re.MULTILINE)
_OTHER_TOOL = re.compile(
    r'\bInvoke-(?:RestMethod|WebRequest)\b|(?:^|\s)(?:wget|httpie|https?)\s+\S|\s-(?:Uri|Headers|Method)\s',
    re.MULTILINE)
_PROMPT = re.compile(
    r'^[ \t]*(?:\$|>|#|%|PS [^>\n]*>|[A-Z]:[^>\n]*>|sudo)[ \t]*$|^[ \t]*(?:#|//|::|REM\b).*$', re.MULTILINE)
_ASSIGNMENT = re.compile(
    r'''(?:^|(?<=[\s;]))(?:export[ \t]+|set[ \t]+"?|\$env:|\$)?([A-Za-z_]\w*)[ \t]*=[ \t]*'''
    r'''(@'\n.*?\n'@|@"\n.*?\n"@|'[^']*'|"[^"]*"|[^\s"';]+)"?;?''', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pasted:
    """A command in words, the first after `curl`.

    :ivar stdin: the here-document or here-string, None without
    :ivar before: what precedes the command and was not understood
    :ivar after: what follows it and is not read
    """

    words: tuple[str, ...] = field(repr=False)
    stdin: str | None = field(repr=False)
    before: str = field(repr=False)
    after: str = field(repr=False)


def split_command(text: str) -> Pasted:
    """Split a pasted command into words; a variable that is not set in the text stays one, between the two marks.

    :raise CurlError: when the text holds no curl command, or a quote that nothing closes
    """
    if len(text) > MAX_LENGTH:
        raise CurlError('too_long', limit=str(MAX_LENGTH))
    if _UNREADABLE.search(text):
        raise CurlError('unreadable')
    text = text.replace('\r\n', '\n').replace('\r', '\n').strip() + '\n'
    match = _CURL.search(text)
    if not match:
        raise CurlError('not_curl' if _OTHER_TOOL.search(text) else 'no_curl')
    before, command = text[:match.start()], text[match.end():]
    scanner = _dialect(text, command)(command, _read_assignments(before))
    scanner.scan()
    rest = _PROMPT.sub('', _ASSIGNMENT.sub('', before)).strip()
    return Pasted(tuple(scanner.words), scanner.stdin, rest, scanner.text[scanner.at:].strip() if scanner.done else '')


def _dialect(text: str, command: str) -> type[Scanner]:
    if command.startswith('^"'):  # as browsers copy it
        return Cmd
    if re.search(r'\\[ \t]*\n', command):
        return Posix
    if re.search(r'`[ \t]*\n|\$env:|@[\'"]\n|^PS [A-Z]?', text, re.MULTILINE) or (
            'curl.exe' in text and "'" in command):
        return PowerShell
    if "'" not in command and re.search(
            r'curl\.exe|\^[ \t]*\n|\s\^"|"\{\s*""|[=\s]"[^"]*""\w|^[A-Z]:\\[^>\n]*>', text, re.MULTILINE):
        return Cmd
    return Posix


def _read_assignments(before: str) -> dict[str, str]:
    """Read `TOKEN=abc`, `set TOKEN=abc` and `$token = 'abc'` in front of the command."""
    values = {}
    for name, quoted in _ASSIGNMENT.findall(before):
        width = 3 if quoted[0] == '@' else 1 if quoted[0] in '"\'' else 0
        value = quoted[width:len(quoted) - width]
        if not re.search(r'[$`]', value):
            values[name] = value
    return values
