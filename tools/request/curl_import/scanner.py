# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Reading a command line from left to right, whatever the shell."""
import re
from collections.abc import Mapping

from .errors import CurlError

# Around the name of a shell variable. Noncharacters of Unicode, which no text contains.
VARIABLE_START, VARIABLE_END = '\ufdd0', '\ufdd1'
VARIABLE = re.compile(f'{VARIABLE_START}([^{VARIABLE_END}]*){VARIABLE_END}')


_GOES_ON = re.compile(r'''\s*(?:--?[A-Za-z]|['"]|https?://|[\u201c\u2018])''')


class Scanner:
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
        if self.word is None:
            self.word = []
        self.word.append(text)

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

    def skip(self, _match) -> None:
        """What nobody sees."""

    def dash(self, match) -> None:
        """The dash that a word processor makes of one or two hyphens begins an option."""
        self.add(match[0] if self.word is not None else '--' if match[1] else '-')

    def unclosed(self, match) -> None:
        raise CurlError('unclosed_quote', line=str(self.text.count('\n', 0, match.start()) + 1))


def rule(pattern: str, action, flags: int = re.DOTALL):
    return re.compile(pattern, flags), action


# What pages and word processors write outside of quotes.
PAGE_RULES = (
    rule(r'[A-Za-z0-9_./:=@,+%?~]+(?![>])', Scanner.add_match),
    rule('[\u200b\u200e\u200f\u2060\ufeff]', Scanner.skip),
    rule(r'[\u2013\u2014\u2212](?=[A-Za-z]([A-Za-z])?)', Scanner.dash),
    rule(r'<[A-Za-z_][^<>\n"\']{0,80}>|\{\{[^{}\n"\']{0,80}\}\}', Scanner.add_match),
)
