# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The quoting of bash and its relatives (POSIX.1, 2.2, with what bash adds)."""
import re

from .errors import CurlError
from .scanner import PAGE_RULES, VARIABLE_END, VARIABLE_START, Scanner, rule

_ANSI = re.compile(
    r'\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|(.))', re.DOTALL)
_ANSI_NAMES = {'n': '\n', 't': '\t', 'r': '\r', 'a': '\a', 'b': '\b', 'f': '\f', 'v': '\v', 'e': '\x1b', 'E': '\x1b'}
_IN_DOUBLE = re.compile(r'\\([$`"\\])|\\\n|\$\{(\w+)[^}]*\}|\$([A-Za-z_]\w*)', re.DOTALL)
_DOCUMENT = re.compile(r'''\$\(\s*cat\s*<<-?\s*['"]?(\w+)['"]?\n(.*?)\n[ \t]*\1\s*\)''', re.DOTALL)


class Posix(Scanner):

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
        raise CurlError('unclosed_quote', line=str(self.text.count('\n', 0, start) + 1))

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
        rule(r'\\[ \t]*(?:\n|\Z)|\^[ \t]*\n', Scanner.end_word),
        rule(r'''\\?(--[a-z]|-[HXdFu](?=[ '"]))''', Scanner.option),
        rule(r'\n', Scanner.end_line),
        rule(r'\s', Scanner.end_word),
        rule(r'#[^\n]*', Scanner.comment),
        rule(r"\$'((?:[^'\\]|\\.)*)'", ansi),
        rule(r"'([^']*)'", Scanner.add_quoted),
        rule(r'\$?"', double_quoted),
        rule(r"'", Scanner.unclosed),
        rule(r'[\u201c\u201d\u201e]([^\u201c\u201d\u201e]*)[\u201c\u201d]', Scanner.add_quoted),
        rule(r'[\u2018\u201a](.*?)[\u2019\u2018](?=\s)', Scanner.add_quoted),
        rule(r'\\(.)', Scanner.add_quoted),
        rule(r'<<<[ \t]*', Scanner.start_here_string),
        rule(r'''<<-?[ \t]*(['"]?)(\w+)\1''', lambda self, match: self.start_document(match)),
        *PAGE_RULES,
        rule(r'\$\{(\w+)[^}]*\}|\$([A-Za-z_]\w*)', Scanner.add_variable),
        rule(r'\$\(', add_substitution),
        rule(r'[0-9&]?>>?(?:&[0-9]|[ \t]*[^\s;|&]+)?', Scanner.redirect),
        rule(r'<[ \t]*[^\s<>]+', Scanner.read_file),
        rule(r'&&|\|\||[;|&)]', Scanner.operator),
        rule('.', Scanner.add_match),
    )


_IN_QUOTES = re.compile(r'(?:[^"\\$]|\\.|\$(?!\())*', re.DOTALL)
