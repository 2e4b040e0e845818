# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Paths name values in documents, in JSON as in XML, and never raise anything but one error."""
import contextlib

from ...tools import paths
from .common import PureCase
from .made_up import given, st

DOCUMENT = {
    'status': {'name': 'SENT', 'code': 0, 'final': False, 'note': None},
    'results': [{'id': 1, 'to': [{'n': 'a'}, {'n': 'b'}]}, {'id': 2, 'to': {'n': 'c'}}],
    'ids': ['x', 'y'],
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from('abc'), inner, max_size=3),
    max_leaves=20)
dotted = st.lists(st.sampled_from(['a', 'b', 'c', 'a[]', '[]', '0', '', 'B[][]']), max_size=5).map('.'.join)


class TestPaths(PureCase):
    """doc/behaviour.md section 6: parameter names may be dotted paths, `results[].status` for lists, `[].type` at the
    root."""

    def test_values_are_found_with_their_type(self):
        for path, expected in (
                ('status.name', ['SENT']),
                ('status.code', [0]),
                ('status.final', [False]),
                ('status.note', [None]),
                ('results[].id', [1, 2]),
                ('results[].to[].n', ['a', 'b', 'c']),
                ('results.1.id', [2]),
                ('ids[]', ['x', 'y']),
                ('ids', [['x', 'y']]),
                ('', [DOCUMENT]),
                ('Status.NAME', ['SENT']),
                ('nothing.here', []),
                ('status.name.deeper', []),
                ('nothing.here|status.name', ['SENT']),
                ('status.note | status.name', ['SENT']),
                ('status.name|results[].id', ['SENT']),
                ('status.note|nothing', []),
                ('|ids[]|', ['x', 'y']),
                ('status.name?status.code', [0]),
                ('status.note ? status.code | ids[]', ['x', 'y']),
                ('status.code?nothing|ids[]', ['x', 'y']),
                ('nothing?status.code', []),
                ('results.7.id', []),
        ):
            with self.subTest(path=path):
                self.assertEqual(paths.find(DOCUMENT, path), expected)

    def test_a_list_at_the_root(self):
        events = [{'type': 'sent'}, {'type': 'failed'}]
        self.assertEqual(paths.find(events, '[].type'), ['sent', 'failed'])
        self.assertEqual(paths.items(events, '[]'), events)
        self.assertEqual(paths.items({'messages': {'id': 1}}, 'messages[]'), [{'id': 1}])
        self.assertEqual(paths.items({'messages': None}, 'messages[]'), [])

    def test_numbers_keep_their_spelling(self):
        """doc/behaviour.md section 5: message ids are text; 25 digits and 400.010 must survive."""
        document = paths.load_json('{"a": 3017544054459083819856413, "b": 400.010, "c": NaN, "a2": 1, "a2": 2}')
        self.assertEqual(
            [paths.as_text(document[key]) for key in ('a', 'b', 'c', 'a2')],
            ['3017544054459083819856413', '400.010', 'NaN', '2'])
        self.assertEqual(paths.load_json('1' * 10000), '1' * 10000)

    def test_what_cannot_be_read_is_a_value_error(self):
        for text in ('', '{', '[' * 200000, '{"a":' * 5000, '{"a": nope}'):
            with self.subTest(text=text[:10]), self.assertRaises(ValueError):
                paths.load_json(text)

    def test_values_as_text(self):
        for value, expected in (
                (True, 'true'), (False, 'false'), (None, ''), (0, '0'), ('  x\0 ', 'x'), ({'#text': 'y'}, 'y'),
                ({}, ''), (['a', {'b': 1}, 'c'], 'a, c'), ('\ud800', '?')):
            with self.subTest(value=value):
                self.assertEqual(paths.as_text(value), expected)

    def test_one_row_for_each_item_of_a_shared_list(self):
        wanted = (('id', 'batch'), ('status', 'to[].status'), ('number', 'to[].n'), ('code', 'errors[].code'))
        document = {
            'batch': 'B', 'to': [{'status': 'ok', 'n': '1'}, {'status': 'no', 'n': '2'}], 'errors': [{'code': 7}]}
        self.assertEqual(paths.rows(document, wanted, {'code'}), [
            {'id': 'B', 'status': 'ok', 'number': '1', 'code': 7},
            {'id': 'B', 'status': 'no', 'number': '2', 'code': 7}])

    def test_the_first_alternative_that_is_not_empty_makes_the_row(self):
        wanted = (('id', 'to[].id|to[].ref'), ('text', 'error.text|to[].text'))
        self.assertEqual(
            paths.rows({'error': {'text': ''}, 'to': [{'id': 1, 'text': 'a'}, {'ref': 2, 'text': 'b'}]}, wanted),
            [{'id': 1, 'text': 'a'}, {'id': 2, 'text': 'b'}])
        self.assertEqual(paths.rows({'error': {'text': 'all'}, 'to': {'id': 1}}, wanted), [{'id': 1, 'text': 'all'}])
        self.assertEqual(paths.rows({'other': 1}, wanted), [])

    def test_a_condition_makes_no_row(self):
        wanted = (('id', 'id'), ('text', 'code?message|to[].body'))
        self.assertEqual(
            paths.rows({'id': 1, 'code': '7', 'message': 'a', 'to': [{'body': 'b'}]}, wanted), [{'id': 1, 'text': 'a'}])
        for code in ({}, {'code': ''}):
            self.assertEqual(
                paths.rows({'id': 1, **code, 'message': 'a', 'to': [{'body': 'b'}]}, wanted), [{'id': 1, 'text': 'b'}])
        self.assertEqual(paths.rows({'code': [1, 2, 3], 'message': 'a'}, (('text', 'code?message'),)), [{'text': 'a'}])
        self.assertEqual(paths.rows({'code': 7}, wanted), [])

    def test_lists_side_by_side(self):
        wanted = (('id', 'ids[]'), ('status', 'states[]'))
        self.assertEqual(
            paths.rows({'ids': [1, 2], 'states': ['a', 'b']}, wanted),
            [{'id': 1, 'status': 'a'}, {'id': 2, 'status': 'b'}])
        with self.assertRaises(paths.TooManyError):
            paths.rows({'ids': [1, 2, 3]}, wanted, limit=2)
        with self.assertRaises(paths.PairingError):
            paths.rows({'ids': [1, 2, 3], 'states': ['a', 'b']}, wanted)

    @given(json_values, st.lists(dotted, min_size=1, max_size=4))
    def test_no_document_and_no_path_raises(self, document, some_paths):
        for path in some_paths:
            for value in paths.find(document, path) + paths.items(document, path):
                self.assertIsInstance(paths.as_text(value), str)
        with contextlib.suppress(paths.PairingError):
            paths.rows(document, tuple(enumerate(some_paths)), {0})

    def test_no_document_exhausts_the_stack(self):
        document = value = []
        for _ in range(100000):
            value.append([])
            value = value[0]
        self.assertEqual(paths.rows(document, (('a', 'a'),)), [])
        self.assertFalse(paths.find(document, '.'.join(['[]'] * 500) + '.a'))


class TestJsonPath(PureCase):

    def test_is_translated(self):
        for path, expected in (
                ('$.messages[0].id', 'messages.0.id'), ("$['a'][\"b\"]", 'a.b'), ('messages[*].id', 'messages[].id'),
                ('$[*].id', '[].id'), ('id|$.items[1]', 'id|items.1')):
            with self.subTest(path=path):
                self.assertEqual(paths.translate_json_path(path), expected)
                self.assertEqual(paths.translate_json_path(expected), expected)

    def test_paths_stay(self):
        for path in ('', 'status.name', 'results[].to[].n', '[].type', 'a|b.c', '$id', 'data[id]', 'results.0.status'):
            with self.subTest(path=path):
                self.assertEqual(paths.translate_json_path(path), path)
