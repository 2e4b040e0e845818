# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The table of the providers says what their templates do."""
import json
import re
from pathlib import Path
from xml.etree import ElementTree

from .common import PureCase

ADDON = Path(__file__).parents[2]
PAGE = ADDON / 'doc' / 'providers.md'
COUNTRIES, CONFIDENCE = 1, -1  # columns that no template tells
NONE = '–'


def each_recipient(body):
    """Give what a JSON body repeats for each recipient, as text."""
    todo = [json.loads(body)] if body else []
    while todo:
        value = todo.pop()
        if isinstance(value, list) and value[:1] == ['__each__']:
            return json.dumps(value)
        if isinstance(value, (dict, list)):
            todo += value.values() if isinstance(value, dict) else value
    return ''


def columns_of(path):
    """Give what the table says of a template, without countries and confidence."""
    record = ElementTree.parse(path).find('record')
    values = {field.get('name'): field.get('eval') or field.text or '' for field in record}
    request = ' '.join(values.get(name, '') for name in ('base_url', 'parameter_ids', 'header_ids', 'body_template'))
    body = re.sub(r'(?<!")(__[a-z_]+__)(?!")', r'"\1"', values.get('body_template', ''))  # a bare token is as if quoted
    is_shared = values.get('supports_multiple_recipients') == 'True'
    reports = NONE
    if values.get('delivery_callback_enabled') == 'True':
        in_request = re.search('{callback_url}|__callback_url__', request)
        reports = 'with each request' if in_request else 'set at the provider'
    return [
        values['name'],
        f'up to {values.get("max_recipients", 100)}' if is_shared else NONE,
        'yes' if is_shared and re.search('{message|__message__', each_recipient(body)) else NONE,
        'yes' if re.search('{uuid|__uuid', request) else NONE,
        reports,
        f'[API]({values["gateway_documentation_link"]})',
    ]


class TestDocsProviders(PureCase):

    def test_table_tells_what_the_templates_do(self):
        """Given doc/providers.md, each template has a row, which says what the template does."""
        rows = [
            [cell.strip() for cell in line.strip('| \n').split(' | ')]
            for line in PAGE.read_text(encoding='utf-8').splitlines() if '[API](' in line]
        expected = {row[0]: row for row in map(columns_of, sorted(ADDON.glob('data/gateways/*.xml')))}
        named = {row[0] for row in rows}
        self.assertEqual(
            [' | '.join(['', name, "COUNTRIES", *row[1:], "CONFIDENCE", '']).strip()
             for name, row in expected.items() if name not in named], [], "add these rows to doc/providers.md")
        self.assertEqual(sorted(row[0] for row in rows), sorted(expected))
        self.assertEqual([row[0].casefold() for row in rows], sorted(row[0].casefold() for row in rows))
        for row in rows:
            with self.subTest(provider=row[0]):
                self.assertTrue(row[COUNTRIES])
                self.assertIn(row[CONFIDENCE], ('high', 'medium', 'low'))
                self.assertEqual([row[0], *row[2:CONFIDENCE]], expected[row[0]])

    def test_number_and_names_of_the_templates(self):
        """The texts that advertise the templates say how many there are; the page of the store names each."""
        templates = sorted(ADDON.glob('data/gateways/*.xml'))
        for name in ('README.md', '__manifest__.py', 'doc/providers.md', 'static/description/index.html',
                     'scripts/store/banner.html', 'scripts/store/cover.html'):
            text = (ADDON / name).read_text(encoding='utf-8')
            with self.subTest(name):
                numbers = set(re.findall(r'\b([0-9]+)(?: provider)? templates', text))
                self.assertEqual(numbers, {str(len(templates))}, f"write {len(templates)} templates in {name}")
        page = (ADDON / 'static/description/index.html').read_text(encoding='utf-8')
        missing = [name for name in (columns_of(path)[0] for path in templates) if name not in page]
        self.assertEqual(missing, [], "add these names to static/description/index.html")
