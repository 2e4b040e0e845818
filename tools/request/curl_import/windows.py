# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The quoting of cmd and PowerShell."""
import re
from collections.abc import Mapping

from .scanner import PAGE_RULES, Scanner, rule

_HEX_BYTE = re.compile('[0-9A-Fa-f]{2}')
_IN_POWERSHELL = re.compile(
    r'`(.)|""|\$env:(\w+)|\$\{(?:env:)?(\w+)\}|\$\(\$(?:env:)?(\w+)\)|\$([A-Za-z_]\w*)', re.DOTALL)
_BACKTICKS = {'n': '\n', 't': '\t', 'r': '\r', '0': ''}


class PowerShell(Scanner):

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
        rule(r'[`\\][ \t]*(?:\n|\Z)', Scanner.end_word),
        rule(r'\n', Scanner.end_line),
        rule(r'\s', Scanner.end_word),
        rule(r'#[^\n]*', Scanner.comment),
        rule(r"@'\n(.*?)\n'@", Scanner.add_quoted),
        rule(r'@"\n(.*?)\n"@', double_quoted),
        rule(r"['\u2018\u2019]((?:[^'\u2018\u2019]|'')*)['\u2018\u2019]", single_quoted),
        rule(r'["\u201c\u201d]((?:[^"`\u201c\u201d\\]|\\.|""|`.)*)["\u201c\u201d]', double_quoted),
        rule(r'["\'\u2018\u201c\u201d]', Scanner.unclosed),
        rule(r'`(.)', Scanner.add_quoted),
        *PAGE_RULES,
        rule(r'\$env:(\w+)|\$\{(?:env:)?(\w+)\}|\$([A-Za-z_]\w*)', Scanner.add_variable),
        rule(r'&&|\|\||[;|&]', Scanner.operator),
        rule('.', Scanner.add_match),
    )


class Cmd(Scanner):
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
        rule(r'\n', Scanner.end_line),
        rule(r'\s', Scanner.end_word),
        rule(r'(\\+)"', slashes),
        rule(r'""(?=\s)', empty_or_quote),
        rule(r'"', quoted_text),
        *PAGE_RULES,
        rule(r'&&|\|\||[|&]', Scanner.operator),
        rule('.', Scanner.add_match),
    )
