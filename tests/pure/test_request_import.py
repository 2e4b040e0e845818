# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Commands as providers publish them, with made-up credentials, and the gateways that come of them.

`curl_commands/*.txt` hold the commands. After `=>` follows what is expected: the request, one value a line; `ask` what
a person has to look at; `say` what the import says.
"""
import json
import unittest
from pathlib import Path

from ...tools.request.checks import check_complete, check_config
from ...tools.request.curl_import import CurlError, import_curl

FILES = sorted((Path(__file__).parent / 'curl_commands').glob('*.txt'))
SHELLS = Path(__file__).parent / 'curl_shells.txt'
PLANTED = 's3cret'


def read_sections(file):
    """:return: (name, text) of each section of a file"""
    for section in file.read_text(encoding='utf-8').split('\n## ')[1:]:
        name, text = section.split('\n', 1)
        yield name, text


def read_cases():
    """:return: (name, command, expected lines) of each command"""
    for file in FILES:
        for name, text in read_sections(file):
            command, expected = text.rsplit('\n=>\n', 1)
            yield name, command, expected.strip().split('\n')


def summary(command):
    """What a command becomes, in lines."""
    try:
        imported = import_curl(command)
    except CurlError as error:
        return [f'refused {error.code} {" ".join(error.values.values())}'.strip()]
    config = imported.config()
    credentials = ' '.join(f'{name}={value}' for name, value in config.credentials.values().items())
    lines = [
        f'{config.method.upper()} {config.request_type} {config.url}', f'auth {config.auth_type} {credentials}'.strip()]
    lines += (
        f'{row.type} {row.key}={row.value}' if row.value or row.type == 'other' else f'{row.type} {row.key}'
        for row in config.parameters)
    lines += (f'header {key}: {value}' for key, value in config.headers)
    if config.body_template:
        lines.append(f'json {json.dumps(json.loads(config.body_template), ensure_ascii=False)}')
    lines.append(f'numbers {imported.number_format}' + ('' if imported.number_format_sure else '?') + (
        f' several "{config.separator}"' if config.multiple_recipients else ''))
    lines += (f'{name} {value}' for name, value in (('sender', config.sender), ('account', config.account_id)) if value)
    lines += (f'ask {part.place} {part.name} {part.meaning}' for part in imported.questions)
    lines += (f'missing {meaning}' for meaning in imported.missing)
    lines += sorted({f'say {note.code}' for note in imported.notes})
    return lines


class TestCurlImport(unittest.TestCase):
    maxDiff = None

    def test_commands(self):
        names = [name for name, _command, _expected in read_cases()]
        self.assertGreater(len(names), 190)
        self.assertEqual(len(names), len(set(names)))
        for name, command, expected in read_cases():
            with self.subTest(name):
                self.assertEqual(summary(command), expected)

    def test_what_can_be_saved(self):
        """Each gateway can be saved and is complete, unless something is asked for."""
        for name, command, expected in read_cases():
            if any(line.startswith(('refused', 'ask host', 'missing')) for line in expected):
                continue
            with self.subTest(name):
                config = import_curl(command).config()
                check_config(config)
                check_complete(config)

    def test_secrets_become_credentials(self):
        """No secret stays in the request, in what people see, or in a refusal."""
        planted = 0
        for name, command, _expected in read_cases():
            planted += PLANTED in command
            with self.subTest(name):
                try:
                    imported = import_curl(command)
                except CurlError as error:
                    self.assertNotIn(PLANTED, str(error.values))
                    continue
                config = imported.config()
                values = (*(row.value for row in config.parameters), *(value for _key, value in config.headers))
                self.assertNotIn(PLANTED, ' '.join((config.url, *values, config.body_template)))
                seen = [f'{part.name} {part.shown_sample} {part.shown_value}' for part in imported.parts]
                self.assertNotIn(PLANTED, ' '.join(seen))
                self.assertNotIn(PLANTED, str([note.values for note in imported.notes]))
        self.assertGreater(planted, 20)

    def test_share_without_question(self):
        """At least nine of ten commands that a gateway can send need no look."""
        accepted = [expected for _name, _command, expected in read_cases() if not expected[0].startswith('refused')]
        asked = [expected for expected in accepted if any(line.startswith(('ask', 'missing')) for line in expected)]
        self.assertLess(len(asked) / len(accepted), 0.1)


class TestShells(unittest.TestCase):
    """The same request from each shell."""

    def assert_request(self, command, **values):
        wanted = {'to': '{phone}', 'text': '{message}', **values}
        config = import_curl(command).config()
        self.assertEqual(config.url, 'https://api.example.com/sms')
        self.assertEqual(json.loads(config.body_template), wanted)
        self.assertEqual(config.headers, (('X-Key', '{api_key}'),))
        return config

    def test_shells(self):
        for name, command in read_sections(SHELLS):
            with self.subTest(name):
                self.assert_request(command)

    def test_shell_is_not_mistaken(self):
        """What quotes in one shell is text within the quotes of another."""
        for text in ('^"', '$env:X', '`', 'say ""hi"" ^', "''"):
            with self.subTest(text):
                quoted = json.dumps({'to': '+32456001122', 'text': "Hi", 'x': text}).replace("'", "'\\''")
                self.assert_request(
                    f"curl https://api.example.com/sms \\\n -H 'X-Key: k1' \\\n -d '{quoted}'", x=text)

    def test_variables_that_are_set(self):
        """A variable with a value in front of the command has it; another is left to be entered."""
        config = import_curl(
            'TOKEN=s3cret1\ncurl https://api.example.com -u "$SID:$TOKEN" -d to=+32456001122 -d text=Hi').config()
        self.assertEqual((config.credentials.username, config.credentials.password), ('', 's3cret1'))

    def test_unquoted_url(self):
        config = import_curl("curl https://api.example.com/sms?to=32456001122&text=Hi&key=s3cretkey").config()
        self.assertEqual([row.key for row in config.parameters], ['to', 'text', 'key'])

    def test_options(self):
        """What changes nothing is not said; what is not known is."""
        quiet = (
            "-sSfLiv -# --compressed --http1.1 -o /dev/null -m 10 --connect-timeout 5 --max-time=7 -w '%{http_code}' "
            "--retry 3 --no-progress-meter --tlsv1.2 -4")
        imported = import_curl(f"curl {quiet} -d to=+32456001122 -d text=Hi --url https://api.example.com")
        self.assertEqual(imported.notes, ())
        imported = import_curl("curl --wobble 7 -Q x -d to=+32456001122 -d text=Hi https://api.example.com extra")
        self.assertEqual(
            [(note.code, *note.values.values()) for note in imported.notes],
            [('unknown_option', '--wobble'), ('unknown_option', '-Q'), ('leftover', 'extra')])

    def test_data(self):
        """Several -d are joined; --data-urlencode encodes the content and not the name; -G moves all to the query."""
        for command, method in (('curl', 'post'), ('curl -G', 'get')):
            config = import_curl(
                f"{command} https://api.example.com -d 'a%20b=c+d&to=+32456001122' --data-urlencode 'text=x & y=z' "
                "--data-urlencode '=w w' -d e=").config()
            self.assertEqual(config.method, method)
            values = [(row.key, row.value) for row in config.parameters]
            self.assertEqual(values[:3], [('a b', 'c d'), ('to', ''), ('text', '')])
            self.assertEqual(values[-1], ('e', ''))

    def test_types_are_kept(self):
        """Numbers, booleans, null and nested values of JSON stay what they are."""
        document = {
            'to': '+32456001122', 'text': "Hi there", 'n': 3, 'f': 1.5, 'b': False, 'x': None, 'l': [1, 'a', {}],
            'e': ''}
        imported = import_curl(f"curl https://api.example.com --json '{json.dumps(document)}'")
        self.assertEqual(
            json.loads(imported.config().body_template), {**document, 'to': '{phone}', 'text': '{message}'})

    def test_literal_placeholder_is_asked_for(self):
        """A fixed text with a placeholder of ours would be filled."""
        imported = import_curl("curl https://api.example.com -d to=+32456001122 -d text=Hi -d 'footer=see {password}'")
        self.assertEqual([part.name for part in imported.questions], ['footer'])
