# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Every problem that `tools` and `sending` find has a sentence that people can read in their language."""
import ast
import re
from pathlib import Path

from ...sending.http_body import AnswerError
from ...tools.phone import NumberError
from ...tools.problem import Problem, ProblemError
from ...tools.report.body import ReportError
from ...tools.request.config import ConfigError, RenderError
from .common import PureCase

ADDON = Path(__file__).parents[2]
SENTENCES = ADDON / 'models' / 'sms_gateway_problem.py'
FOLDERS = ('tools', 'sending', 'models', 'wizard', 'controllers')
# Where each has its code among the arguments
PLACES = {
    'Problem': 0, 'ProblemError': 0, 'AnswerError': 0, 'NumberError': 0, 'RenderError': 0, 'ReportError': 0,
    'ConfigError': 1}


def read_sentences():
    """
    :return: {code: sentence} of the literals that Odoo exports for translation
    """
    tree = ast.parse(SENTENCES.read_text())
    table = next(node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == 'SENTENCES')
    sentences = {}
    for key, value in zip(table.keys, table.values, strict=True):
        assert value.func.id == '_lt', key.value
        assert key.value not in sentences, key.value
        sentences[key.value] = ast.literal_eval(value.args[0])
    return sentences


def find_problems():
    """Yield each problem that the addon makes: place in the code, code, names of its values."""
    files = {file for folder in FOLDERS for file in (ADDON / folder).rglob('*.py')}
    for path in sorted(files - {ADDON / 'tools' / 'problem.py'}):  # which passes on what it is given
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in PLACES:
                continue
            kind, place = node.func.id, f'{path.relative_to(ADDON)}:{node.lineno}'
            code = node.args[PLACES[kind]]
            if kind == 'ReportError':
                names = set()
            elif kind == 'Problem':
                pairs = node.args[1].elts if len(node.args) > 1 else ()
                names = {ast.literal_eval(pair.elts[0]) for pair in pairs}
            else:
                names = {keyword.arg for keyword in node.keywords}
            yield place, code, names


class TestSentences(PureCase):

    def test_each_problem_has_its_sentence(self):
        sentences, used = read_sentences(), set()
        for place, code, names in find_problems():
            with self.subTest(place=place):
                self.assertIsInstance(code, ast.Constant, "a code that is not written out has no sentence for sure")
                self.assertIn(code.value, sentences)
                self.assertEqual(set(re.findall(r'%\((\w+)\)s', sentences[code.value])), names)
                used.add(code.value)
        self.assertEqual(used, sentences.keys())

    def test_each_kind_of_error_is_known(self):
        """The scan above must know each kind of error."""
        self.assertIn(AnswerError, _subclasses(ProblemError))
        self.assertEqual({'Problem'} | {kind.__name__ for kind in _subclasses(ProblemError)}, PLACES.keys())

    def test_sentences_are_sentences(self):
        for code, sentence in read_sentences().items():
            with self.subTest(code=code):
                self.assertRegex(sentence, r'^[A-Z"{%].*\.$')
                self.assertRegex(sentence, r'^(?:[^%]|%\(\w+\)s)*$')


class TestProblem(PureCase):

    def test_text_for_the_log(self):
        self.assertEqual(str(NumberError('number_unreadable')), 'number_unreadable')
        self.assertEqual(
            str(ConfigError('header_ids', 'repeated_header', key='X-Key')), 'repeated_header (key=X-Key)')

    def test_what_each_error_carries(self):
        self.assertEqual(ConfigError('base_url', 'space_in_url').field, 'base_url')
        self.assertEqual(ReportError('report_too_large', 413).status, 413)
        self.assertEqual(
            RenderError('path_value_empty').problem, ProblemError('path_value_empty').problem)

    def test_problems_are_values(self):
        one, other = (Problem('invalid_json', (('line', 1), ('error', 'x'))) for _problem in range(2))
        self.assertEqual({one, other}, {one})
        self.assertEqual(one.masked(str.upper), Problem('invalid_json', (('line', 1), ('error', 'X'))))


def _subclasses(kind):
    return {kind, *(deeper for direct in kind.__subclasses__() for deeper in _subclasses(direct))}
