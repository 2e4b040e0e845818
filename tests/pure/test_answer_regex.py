# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A pattern that would hang a process ends, other threads go on meanwhile, and the next pattern works."""
import itertools
import os
import re
import subprocess
import sys
import threading
import time
import unittest
from unittest.mock import patch

from ...tools.answer import bounded_regex
from ...tools.answer.bounded_regex import Found, find
from ...tools.answer.interpretation import AnswerRules, HttpAnswer, interpret
from .common import RECIPIENT, PureCase
from .made_up import given, st

LOGGER = bounded_regex.__name__
_numbers = itertools.count()


def fresh(pattern):
    """The same pattern as a new one, which does not rest because it took too long in another test."""
    return f'(?#{next(_numbers)}){pattern}'


# each takes minutes to ages by `re` in this process
CATASTROPHES = (
    (r'(a+)+b', 'a' * 60), (r'(a|aa)+$', 'a' * 60 + '!'), (r'\d+\d+x', '1' * 65536), (r'(\w+\s?)*:', 'word ' * 500),
)


class TestBoundedRegex(PureCase):

    def test_matches_as_re_does(self):
        for pattern, text in (
            (r'"id":\s*"([^"]+)"', '{"id": "a", "id":"b"}'), (r'(?P<number>\d+):(?P<id>\w+)', '1:a 2:b'),
            ('x', 'axbx'), (r'(a)|(b)', 'ab'), (r'é+', 'éé'), ('\ud800', 'a\ud800'), (r'(?s).+', 'a\nb'),
            (r'^b', 'a\nb'),
        ):
            with self.subTest(pattern=pattern):
                regex = re.compile(pattern)
                rows = tuple((m[0], *(group or '' for group in m.groups())) for m in regex.finditer(text))
                self.assertEqual(find(pattern, text), Found(dict(regex.groupindex), regex.groups, rows))

    @given(st.text(max_size=20), st.text(max_size=50))
    def test_never_raises(self, pattern, text):
        self.assertIsInstance(find(pattern, text), Found)

    def test_what_is_no_pattern_finds_nothing(self):
        for pattern in ('(', '', '*', 'a{99999999999}', '(?P<1>a)', '(' * 2000 + ')' * 2000):
            self.assertEqual(find(pattern, 'aaa').rows, ())

    def test_time_is_bounded(self):
        for slow, text in CATASTROPHES:
            pattern = fresh(slow)
            with self.subTest(pattern=pattern), self.assertLogs(LOGGER, 'WARNING') as log:
                self.assertEqual(find(pattern, text).rows, ())
            self.assertEqual(len(log.output), 1)
            self.assertIn(pattern, log.output[0])
            with self.assertNoLogs(LOGGER, 'WARNING'):
                self.assertEqual(find(pattern, 'aab').rows, (), "and it is not tried again for a while")
            self.assertEqual(find('a', 'a').rows, (('a',),), "others are not concerned")

    def test_other_threads_go_on(self):
        pattern, text = CATASTROPHES[0]
        find('a', 'a')  # the helper runs
        thread = threading.Thread(target=find, args=(fresh(pattern), text))
        with self.assertLogs(LOGGER, 'WARNING'):
            thread.start()
            for turn in range(30):
                self.assertTrue(thread.is_alive(), turn)
                time.sleep(0.01)
            thread.join()

    def test_size_of_the_result_is_bounded(self):
        self.assertLess(sum(map(len, (row[0] for row in find(r'(?=(.*))', 'x' * 65536).rows))), 2_000_000)
        self.assertEqual(len(find('', 'x').rows), 0)
        self.assertEqual(len(find('x', 'x' * 65536).rows), bounded_regex.MAX_MATCHES)

    def test_helper_that_does_not_answer_is_killed(self):
        find('a', 'a')
        with patch.object(bounded_regex, 'SECONDS', 0), self.assertLogs(LOGGER, 'WARNING'):
            self.assertEqual(find('b+', 'b').rows, ())
        self.assertEqual(find('a', 'a').rows, (('a',),))

    def test_helper_that_died_is_started_again(self):
        started, start = [], subprocess.Popen

        def popen(*args, **kwargs):
            started.append(start(*args, **kwargs))
            return started[-1]

        bounded_regex.stop()
        self.start(patch.object(subprocess, 'Popen', popen))
        self.assertEqual(find('a', 'a').rows, (('a',),))
        [helper] = started
        helper.kill()
        helper.wait()
        self.assertEqual(find('a', 'a').rows, (('a',),))
        self.assertEqual(len(started), 2)

    def test_no_helper_finds_nothing(self):
        bounded_regex.stop()
        with patch.object(sys, 'executable', '/nowhere/python'), self.assertLogs(LOGGER, 'ERROR'):
            self.assertEqual(find('a', 'a').rows, ())

    @unittest.skipUnless(hasattr(os, 'fork'), "a fork")
    def test_forked_process_has_a_helper_of_its_own(self):
        find('a', 'a')
        child = os.fork()
        if not child:
            os._exit(0 if find('b', 'b').rows == (('b',),) else 1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(find('a', 'a').rows, (('a',),))


class TestAnswers(PureCase):
    """A failing or hostile provider and the settings of a gateway."""

    def test_regexes_of_a_gateway(self):
        rules = AnswerRules(message_id_regex=fresh(r'(a+)+b'), error_code_regex=fresh(r'(?P<code>(a+)+)b'))
        for status, state in ((200, 'success'), (400, 'error')):
            with self.assertLogs(LOGGER, 'WARNING'):
                result = interpret(rules, [RECIPIENT], HttpAnswer(status, 'a' * 65536))[0]
                self.assertEqual((result.state, result.message_id, result.error_code), (state, '', ''))

    def test_blanks(self):
        """64 KiB of them in a JSON answer took half a minute."""
        rules = AnswerRules(success_key='"status": "ok"', error_key='"error": {')
        for text in ('{"a' + ' ' * 65536 + 'b', '{' + ' ' * 65536, '{"' + 'a ' * 32768, '[' + ' ,' * 32768):
            with self.assert_cheap(0.5):
                interpret(rules, [RECIPIENT], HttpAnswer(200, text))
