# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Phones show cards instead of lists, whose last columns are beyond the edge of the screen."""
import xml.etree.ElementTree as ET
from pathlib import Path

from .common import PureCase

ADDON = Path(__file__).parents[2]
MAX_COLUMNS = 3  # as many as a phone shows


def find_faults(trees):
    """:return: the actions and the lists in forms that have no cards, a list of names"""
    faults = []
    for tree in trees:
        for record in tree.iter('record'):
            modes = next((field.text.split(',') for field in record.findall('field')
                          if field.get('name') == 'view_mode'), ())
            if 'list' in modes and 'kanban' not in modes and 'pivot' not in modes:
                faults.append(record.get('id'))
            faults += [
                f"{record.get('id')} {field.get('name')}" for form in record.iter('form')
                for field in form.iter('field') if has_wide_list(field) and field.find('kanban') is None]
    return faults


def has_wide_list(field):
    """:return: whether the list in a field has more columns than a phone shows, unless it is edited in place"""
    rows = field.find('list')
    if rows is None or rows.get('editable'):
        return False
    columns = [column for column in rows.findall('field')
               if column.get('column_invisible') is None and column.get('optional') != 'hide']
    return len(columns) > MAX_COLUMNS


class TestPhone(PureCase):

    def test_views(self):
        trees = [ET.parse(path) for folder in ('views', 'wizard') for path in (ADDON / folder).glob('*.xml')]
        self.assertEqual(find_faults(trees), [])

    def test_faults_are_found(self):
        columns = '<field/>' * (MAX_COLUMNS + 1)
        tree = ET.fromstring(
            f'<odoo><record id="a"><field name="view_mode">list,form</field></record>'
            f'<record id="b"><field name="view_mode">list,kanban</field></record>'
            f'<record id="c"><form><field name="x"><list>{columns}</list></field>'
            f'<field name="y"><list editable="top">{columns}</list></field></form></record></odoo>')
        self.assertEqual(find_faults([tree]), ['a', 'c x'])
