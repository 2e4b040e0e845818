# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Links between the documents, and the pictures of an archive."""
import ast
import re
from fnmatch import fnmatch
from pathlib import Path

from .common import PureCase

ADDON = Path(__file__).parents[2]
STORE = ADDON / 'static' / 'description'
PAGES = [*ADDON.glob('*.md'), *ADDON.glob('doc/*.md'), STORE / 'index.html']
_LINK = re.compile(r'\]\(([^)#\s]+)|\b(?:src|href)="([^"#]+)')


def linked_files():
    """Give each file of the addon that a page links to, with the page, as pairs of paths."""
    links = [
        (page, (page.parent / (markdown or attribute)).resolve())
        for page in PAGES for markdown, attribute in _LINK.findall(page.read_text(encoding='utf-8'))
        if '://' not in markdown + attribute]
    manifest = ADDON / '__manifest__.py'
    images = ast.literal_eval(manifest.read_text(encoding='utf-8'))['images']
    return links + [(manifest, (ADDON / image).resolve()) for image in images]


def is_left_out(path):
    """Whether `git archive` leaves a file out."""
    name = str(path.relative_to(ADDON.resolve()))
    lines = (ADDON / '.gitattributes').read_text(encoding='utf-8').splitlines()
    patterns = [line.split()[0].strip('/') for line in lines if line.endswith(' export-ignore')]
    return any(fnmatch(name, pattern) or name.startswith(f'{pattern}/') for pattern in patterns)


class TestDocsLinks(PureCase):

    def test_every_link_leads_to_a_file_of_the_archive(self):
        links = linked_files()
        self.assertGreater(len(links), 30)
        for page, path in links:
            with self.subTest(page=page.name, link=str(path)):
                self.assertTrue(path.exists())
                self.assertFalse(is_left_out(path))

    def test_the_archive_has_no_picture_that_no_page_shows(self):
        shown = {path.resolve() for _page, path in linked_files()} | {(STORE / 'icon.png').resolve()}
        for picture in STORE.resolve().glob('*.png'):
            with self.subTest(picture=picture.name):
                self.assertEqual(is_left_out(picture), picture not in shown)
