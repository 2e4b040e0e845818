# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The words of a pasted curl command, as bash, cmd or PowerShell would pass them to curl.

Commands come from documentation, so what a page or a word processor does to them is undone where it is unambiguous:
typographic quotes and dashes, prompts, a space after the backslash at the end of a line, lost line breaks.
"""
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_LENGTH = 65536  # characters
# Around the name of a shell variable. Noncharacters of Unicode, which no text contains.
VARIABLE_START, VARIABLE_END = '\ufdd0', '\ufdd1'

_UNREADABLE = re.compile('[\0\ufdd0\ufdd1]')
_INVISIBLE = re.compile('[\u200b\u200e\u200f\u2060\ufeff]')
_SPACES = re.compile('[\u00a0\u2007\u202f]')
_LONG_DASH = re.compile(r'(?<=\s)[\u2013\u2014\u2212](?=[A-Za-z]{2})')
_SHORT_DASH = re.compile(r'(?<=\s)[\u2013\u2014\u2212](?=[A-Za-z]\b)')
# Not the word in a sentence: a command goes on with an option, a URL, a quote or a line continuation.
_CURL = re.compile(
    r'''(?:(?<=[\s;&|(`])|^)(?:[\w.:/\\-]*[/\\])?curl(?:\.exe)?[ \t]+(?=[-'"$<{%^`\\\u201c\u2018]|\w+:|\S*[./])''', re.MULTILINE)
_OTHER_TOOL = re.compile(
    r'\bInvoke-(?:RestMethod|WebRequest)\b|(?:^|\s)(?:wget|httpie|https?)\s+\S|\s-(?:Uri|Headers|Method)\s', re.MULTILINE)
_PROMPT = re.compile(r'^[ \t]*(?:\$|>|#|%|PS [^>\n]*>|[A-Z]:[^>\n]*>|sudo)[ \t]*$|^[ \t]*(?:#|//|::|REM\b).*$', re.MULTILINE)
_ASSIGNMENT = re.compile(
    r'''(?:^|(?<=[\s;]))(?:export[ \t]+|set[ \t]+"?|\$env:|\$)?([A-Za-z_]\w*)[ \t]*=[ \t]*'''
    r'''(@'\n.*?\n'@|@"\n.*?\n"@|'[^']*'|"[^"]*"|[^\s"';]+)"?;?''', re.MULTILINE | re.DOTALL)
_GOES_ON = re.compile(r'''\s*(?:--?[A-Za-z]|['"]|https?://|[\u201c\u2018])''')
_HEX_BYTE = re.compile('[0-9A-Fa-f]{2}')


class CurlError(ValueError):
    """A command that cannot become a gateway.

    :ivar str code: what is wrong; the wizard words it
    :ivar dict values: what the sentence names
    """

    def __init__(self, code: str, **values: str):
        super().__init__(code)
        self.code = code
        self.values = values


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
    text = _clean(text)
    match = _CURL.search(text)
    if not match:
        raise CurlError('not_curl' if _OTHER_TOOL.search(text) else 'no_curl')
    before, command = text[:match.start()], text[match.end():]
    scanner = _dialect(text, command)(command, _read_assignments(before))
    scanner.scan()
    rest = _PROMPT.sub('', _ASSIGNMENT.sub('', before)).strip()
    return Pasted(tuple(scanner.words), scanner.stdin, rest, scanner.text[scanner.at:].strip() if scanner.done else '')


def _clean(text: str) -> str:
    text = _SPACES.sub(' ', _INVISIBLE.sub('', text.replace('\r\n', '\n').replace('\r', '\n')))
    text = _SHORT_DASH.sub('-', _LONG_DASH.sub('--', text))
    return text.strip() + '\n'


def _dialect(text: str, command: str) -> type['_Scanner']:
    if re.search(r'`[ \t]*\n|\$env:|@[\'"]\n|^PS [A-Z]?', text, re.MULTILINE):
        return _PowerShell
    if re.search(r'\^[ \t]*\n|\^"', command) or re.search(r'"\{\s*""|[=\s]"[^"]*""\w', command):
        return _Posix if re.search(r"\s'", command) and '^"' not in command else _Cmd
    if re.search(r'^[A-Z]:\\[^>\n]*>', text, re.MULTILINE):
        return _Cmd
    if 'curl.exe' in text and not re.search(r'\\[ \t]*\n', command):
        return _PowerShell if "'" in command else _Cmd
    return _Posix


def _read_assignments(before: str) -> dict[str, str]:
    """Read `TOKEN=abc`, `set TOKEN=abc` and `$token = 'abc'` in front of the command."""
    values = {}
    for name, value in _ASSIGNMENT.findall(before):
        if value[:1] == '@':
            value = value[3:-3]
        elif value[:1] in ('"', "'"):
            value = value[1:-1]
        if not re.search(r'[$`]', value):
            values[name] = value
    return values


class _Scanner:
    """Reads a command from left to right by the first rule that matches."""

    rules: tuple = ()

    def __init__(self, text: str, variables: Mapping[str, str]):
        self.text = text
        self.variables = variables
        self.at = 0
        self.words: list[str] = []
        self.word: list[str] | None = None
        self.quoted = False  # whether the last thing read was quoted
        self.done = False
        self.stdin: str | None = None
        self.delimiter = ''
        self.here_string = False

    def scan(self) -> None:
        """:raise CurlError: when a quote is not closed"""
        while self.at < len(self.text) and not self.done:
            for pattern, action in self.rules:
                match = pattern.match(self.text, self.at)
                if match:
                    self.at = match.end()
                    self.quoted = bool(action(self, match))
                    break
        self.end_word()

    def add(self, text: str) -> None:
        self.word = [*(self.word or ()), text] if self.word is None else self.word + [text]

    def end_word(self, _match=None) -> None:
        if self.word is None:
            return
        word, self.word = self.finish(''.join(self.word)), None
        if self.here_string:
            self.stdin, self.here_string = word, False
        else:
            self.words.append(word)

    def finish(self, word: str) -> str:
        return word

    def stop(self) -> None:
        self.end_word()
        self.done = True

    def add_match(self, match) -> None:
        self.add(match[0])

    def add_quoted(self, match) -> bool:
        self.add(match[1])
        return True

    def add_variable(self, match) -> None:
        self.add(self.variable(next(filter(None, match.groups()), '')))

    def variable(self, name: str) -> str:
        return self.variables.get(name, f'{VARIABLE_START}{name}{VARIABLE_END}')

    def end_line(self, match) -> None:
        self.end_word()
        if self.delimiter:
            self.read_document()
        elif self.words and not _GOES_ON.match(self.text, match.end()):
            self.done = True

    def read_document(self) -> None:
        """Read a here-document, from the line after its redirection on."""
        end = re.compile(rf'^[ \t]*{re.escape(self.delimiter)}[ \t]*$', re.MULTILINE).search(self.text, self.at)
        if not end:
            raise CurlError('unclosed_document', delimiter=self.delimiter)
        self.stdin, self.delimiter = self.text[self.at:end.start()].removesuffix('\n'), ''
        self.at = end.end()

    def start_document(self, match) -> None:
        self.end_word()
        self.delimiter = match[2]

    def start_here_string(self, _match) -> None:
        self.end_word()
        self.here_string = True

    def redirect(self, match) -> None:
        if self.word is not None:
            self.add(match[0])

    def read_file(self, match) -> None:
        if self.word is not None:
            self.add(match[0])
        else:
            raise CurlError('file', name=match[0].strip('< \t'))

    def operator(self, match) -> None:
        """End the command, unless the character is part of an unquoted URL: `?to=1&text=2`."""
        alone = self.word is None or self.text[match.end():match.end() + 1].isspace()
        if len(match[0]) == 2 or alone:
            self.at = match.start()
            self.stop()
        else:
            self.add(match[0])

    def comment(self, match) -> None:
        if self.word is not None:
            self.add(match[0][0])
            self.at = match.start() + 1

    def option(self, match) -> None:
        """An option that lost the line break in front of it begins a word of its own."""
        if self.quoted:
            self.end_word()
        self.add(match[1])

    def unclosed(self, match) -> None:
        raise CurlError('unclosed_quote', near=self.text[match.start():match.start() + 30].strip())


def _rule(pattern: str, action, flags: int = re.DOTALL):
    return re.compile(pattern, flags), action


_ANSI = re.compile(
    r'\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|(.))', re.DOTALL)
_ANSI_NAMES = {'n': '\n', 't': '\t', 'r': '\r', 'a': '\a', 'b': '\b', 'f': '\f', 'v': '\v', 'e': '\x1b', 'E': '\x1b'}
_IN_DOUBLE = re.compile(r'\\([$`"\\])|\\\n|\$\{(\w+)[^}]*\}|\$([A-Za-z_]\w*)', re.DOTALL)
_DOCUMENT = re.compile(r'''\$\(\s*cat\s*<<-?\s*['"]?(\w+)['"]?\n(.*?)\n[ \t]*\1\s*\)''', re.DOTALL)
# The placeholders that pages write without quotes.
_PAGE_RULES = (
    _rule(r'<[A-Za-z_][^<>\n"\']{0,80}>|\{\{[^{}\n"\']{0,80}\}\}', _Scanner.add_match),
)


class _Posix(_Scanner):

    def double_quoted(self, match) -> bool:
        pieces, at = [], match.end()
        while (end := _IN_QUOTES.match(self.text, at).end()) < len(self.text):
            pieces.append(_IN_DOUBLE.sub(self.in_double, self.text[at:end]))
            if self.text[end] == '"':
                self.at = end + 1
                self.add(''.join(pieces))
                return True
            at = self.substitution_end(end)
            pieces.append(self.substitution(self.text[end:at]))
        return self.unclosed(match)

    def in_double(self, match) -> str:
        name = match[2] or match[3]
        return self.variable(name) if name else match[1] or ''

    def substitution_end(self, start: int) -> int:
        if document := _DOCUMENT.match(self.text, start):
            return document.end()
        depth = 0
        for match in re.compile('[()]').finditer(self.text, start):
            depth += 1 if match[0] == '(' else -1
            if not depth:
                return match.end()
        raise CurlError('unclosed_quote', near=self.text[start:start + 30])

    def substitution(self, text: str) -> str:
        document = _DOCUMENT.fullmatch(text)
        return document[2] if document else f'{VARIABLE_START}{text}{VARIABLE_END}'

    def add_substitution(self, match) -> None:
        end = self.substitution_end(match.start())
        self.add(self.substitution(self.text[match.start():end]))
        self.at = end

    def ansi(self, match) -> bool:
        def character(found):
            digits = found[1] or found[2] or found[3]
            if digits or found[4]:
                code = int(digits, 16) if digits else int(found[4], 8)
                return chr(code) if code < 0x110000 and not 0xd800 <= code < 0xe000 else '\ufffd'
            return _ANSI_NAMES.get(found[5], found[5] if found[5] in '\\\'"?' else found[0])

        self.add(_ANSI.sub(character, match[1]))
        return True

    rules = (
        _rule(r'\\[ \t]*(?:\n|\Z)|\^[ \t]*\n', _Scanner.end_word),
        _rule(r'''\\?(--[a-z]|-[HXdFu](?=[ '"]))''', _Scanner.option),
        _rule(r'\n', _Scanner.end_line),
        _rule(r'\s', _Scanner.end_word),
        _rule(r'#[^\n]*', _Scanner.comment),
        _rule(r"\$'((?:[^'\\]|\\.)*)'", ansi),
        _rule(r"'([^']*)'", _Scanner.add_quoted),
        _rule(r'\$?"', double_quoted),
        _rule(r"'", _Scanner.unclosed),
        _rule(r'[\u201c\u201d\u201e]([^\u201c\u201d\u201e]*)[\u201c\u201d]', _Scanner.add_quoted),
        _rule(r'[\u2018\u201a](.*?)[\u2019\u2018](?=\s)', _Scanner.add_quoted),
        _rule(r'\\(.)', _Scanner.add_quoted),
        _rule(r'<<<[ \t]*', _Scanner.start_here_string),
        _rule(r'''<<-?[ \t]*(['"]?)(\w+)\1''', lambda self, match: self.start_document(match)),
        *_PAGE_RULES,
        _rule(r'\$\{(\w+)[^}]*\}|\$([A-Za-z_]\w*)', _Scanner.add_variable),
        _rule(r'\$\(', add_substitution),
        _rule(r'[0-9&]?>>?(?:&[0-9]|[ \t]*[^\s;|&]+)?', _Scanner.redirect),
        _rule(r'<[ \t]*[^\s<>]+', _Scanner.read_file),
        _rule(r'&&|\|\||[;|&)]', _Scanner.operator),
        _rule('.', _Scanner.add_match),
    )


_IN_QUOTES = re.compile(r'(?:[^"\\$]|\\.|\$(?!\())*', re.DOTALL)
_IN_POWERSHELL = re.compile(r'`(.)|""|\$env:(\w+)|\$\{(?:env:)?(\w+)\}|\$\(\$(?:env:)?(\w+)\)|\$([A-Za-z_]\w*)', re.DOTALL)
_BACKTICKS = {'n': '\n', 't': '\t', 'r': '\r', '0': ''}


class _PowerShell(_Scanner):

    def finish(self, word: str) -> str:
        # What Windows does to the arguments of a program.
        return word.replace('\\"', '"')

    def single_quoted(self, match) -> bool:
        self.add(match[1].replace("''", "'"))
        return True

    def double_quoted(self, match) -> bool:
        def piece(found):
            name = found[2] or found[3] or found[4] or found[5]
            if name:
                return self.variable(name)
            return _BACKTICKS.get(found[1], found[1]) if found[1] else '"'

        self.add(_IN_POWERSHELL.sub(piece, match[1]))
        return True

    rules = (
        _rule(r'[`\\][ \t]*(?:\n|\Z)', _Scanner.end_word),
        _rule(r'\n', _Scanner.end_line),
        _rule(r'\s', _Scanner.end_word),
        _rule(r'#[^\n]*', _Scanner.comment),
        _rule(r"@'\n(.*?)\n'@", _Scanner.add_quoted),
        _rule(r'@"\n(.*?)\n"@', double_quoted),
        _rule(r"['\u2018\u2019]((?:[^'\u2018\u2019]|'')*)['\u2018\u2019]", single_quoted),
        _rule(r'["\u201c\u201d]((?:[^"`\u201c\u201d\\]|\\.|""|`.)*)["\u201c\u201d]', double_quoted),
        _rule(r'["\'\u2018\u201c\u201d]', _Scanner.unclosed),
        _rule(r'`(.)', _Scanner.add_quoted),
        *_PAGE_RULES,
        _rule(r'\$env:(\w+)|\$\{(?:env:)?(\w+)\}|\$([A-Za-z_]\w*)', _Scanner.add_variable),
        _rule(r'&&|\|\||[;|&]', _Scanner.operator),
        _rule('.', _Scanner.add_match),
    )


class _Cmd(_Scanner):
    """Two steps as on Windows: cmd removes its carets, then the program splits its command line."""

    def __init__(self, text: str, variables: Mapping[str, str]):
        super().__init__(text, variables)
        self.text = self.remove_carets(re.sub('[\u201c\u201d\u201e]', '"', text))

    def remove_carets(self, text: str) -> str:
        pieces, quoted = [], False
        for match in re.finditer(r'\^[ \t]*\n\n|\^[ \t]*\n|\^(.)|%%|%([A-Za-z_]\w*)%|.', text, re.DOTALL):
            found = match[0]
            if match[2]:
                pieces.append(found if _HEX_BYTE.fullmatch(match[2]) else self.variable(match[2]))
            elif found == '%%':
                pieces.append('%')
            elif found[0] == '^' and (not quoted or found[-1] == '\n'):
                pieces.append(match[1] if match[1] else '\n' if found.endswith('\n\n') else ' ')
            else:
                quoted ^= found == '"'
                pieces.append(found)
        return ''.join(pieces)

    def slashes(self, match) -> bool:
        """Backslashes in front of a quote: two are one, an odd one escapes the quote."""
        count, rest = divmod(len(match[1]), 2)
        self.add('\\' * count + ('"' if rest else ''))
        if not rest:
            self.at -= 1
        return False

    def quoted_text(self, _match) -> bool:
        pieces = []
        for match in re.compile(r'(\\+)"|""|(")|[^"\\]+|\\+', re.DOTALL).finditer(self.text, self.at):
            if match[2] or (match[1] and not len(match[1]) % 2):
                pieces.append('\\' * (len(match[1] or '') // 2))
                self.at = match.end()
                self.add(''.join(pieces))
                return True
            pieces.append('\\' * (len(match[1]) // 2) + '"' if match[1] else '"' if match[0] == '""' else match[0])
        return self.unclosed(_match)

    def empty_or_quote(self, match) -> bool:
        self.add('')
        return True

    rules = (
        _rule(r'\n', _Scanner.end_line),
        _rule(r'\s', _Scanner.end_word),
        _rule(r'(\\+)"', slashes),
        _rule(r'""(?=\s)', empty_or_quote),
        _rule(r'"', quoted_text),
        *_PAGE_RULES,
        _rule(r'&&|\|\||[|&]', _Scanner.operator),
        _rule('.', _Scanner.add_match),
    )
