# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Each attempt to send an SMS has a UUID of its own, and a report of any of them finds its SMS: SPEC section 4."""
import unittest
from uuid import uuid4

from ..attempt import ATTEMPTS, attempt_of, attempt_uuid, match_key

UUID = 'fe3c0d4c8f5b4a1e9b7a2d6c1f0e5a4b'


class TestAttempt(unittest.TestCase):

    def test_first_attempt_is_the_uuid_itself(self):
        self.assertEqual(attempt_uuid(UUID, 1), UUID)

    def test_every_attempt_is_another_uuid_of_the_same_shape(self):
        uuids = {attempt_uuid(UUID, attempt) for attempt in range(1, ATTEMPTS + 1)}
        self.assertEqual(len(uuids), ATTEMPTS)
        self.assertTrue(all(len(uuid) == 32 and int(uuid, 16) >= 0 for uuid in uuids))

    def test_report_tells_its_attempt(self):
        for attempt in (1, 2, 3, 200, ATTEMPTS):
            reported = attempt_uuid(UUID, attempt)
            self.assertEqual(attempt_of(UUID, reported), attempt)
            self.assertEqual(attempt_of(UUID, reported[:20]), attempt, "{uuid20}")

    def test_all_attempts_share_the_key_that_finds_them(self):
        keys = {match_key(attempt_uuid(UUID, attempt)) for attempt in range(1, ATTEMPTS + 1)}
        keys.add(match_key(attempt_uuid(UUID, 5)[:20]))
        self.assertEqual(len(keys), 1)

    def test_uuid_of_another_sms(self):
        self.assertIsNone(attempt_of(UUID, uuid4().hex))
        self.assertIsNone(attempt_of(UUID, UUID[:20][::-1]))

    def test_what_is_no_uuid(self):
        for reported in ('', 'zz' + UUID[2:], UUID[:19], UUID + '0', 'x'):
            self.assertIsNone(attempt_of(UUID, reported), reported)

    def test_uuid_that_core_did_not_make_stays(self):
        self.assertEqual(attempt_uuid('my-own-id', 3), 'my-own-id')
        self.assertEqual(attempt_of('my-own-id', 'my-own-id'), 1)
        self.assertIsNone(attempt_of('my-own-id', 'another'))

    def test_capitals(self):
        """Some providers write hexadecimal digits in capitals."""
        reported = attempt_uuid(UUID, 2).upper()
        self.assertEqual(attempt_of(UUID, reported), 2)
        self.assertEqual(attempt_of(UUID, reported[:20]), 2)
        self.assertEqual(match_key(reported), match_key(UUID))
