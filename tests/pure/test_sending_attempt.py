# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Each attempt to send an SMS has a UUID of its own, and a report of any of them finds its SMS: doc/behaviour.md
section 4."""
from uuid import UUID as StandardUUID
from uuid import uuid4

from ...tools.attempt import ATTEMPTS, attempt_of, attempt_uuid, match_key, match_keys
from .common import PureCase

UUID = 'fe3c0d4c8f5b4a1e9b7a2d6c1f0e5a4b'


class TestAttempt(PureCase):

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

    def test_every_spelling(self):
        """Providers write capitals, hyphens, braces or a URN (RFC 9562), of the whole or of the first 20 digits."""
        for attempt in (1, 2):
            whole = str(StandardUUID(attempt_uuid(UUID, attempt)))
            for reported in (whole, whole[:23], whole[:24], whole.replace('-', ''), whole.replace('-', '')[:20]):
                for spelling in ('%s', '{%s}', '(%s)', 'urn:uuid:%s', 'uuid:%s', 'urn:uuid:{%s}'):
                    for text in (spelling % reported, (spelling % reported).upper()):
                        with self.subTest(text=text):
                            self.assertEqual(attempt_of(UUID, text), attempt)
                            self.assertEqual(match_key(text), match_key(UUID))
                            self.assertIn(match_key(UUID), match_keys([text]))
        for text in (f'{{{UUID[:19]}}}', f'urn:{UUID}0', f'{UUID[:10]}.{UUID[10:]}', f'x{UUID}', '-' * 32):
            self.assertIsNone(attempt_of(UUID, text), text)

    def test_uuid_that_is_spelled_so_itself(self):
        own = str(StandardUUID(UUID))
        self.assertEqual((attempt_of(own, own), attempt_of(own, UUID), attempt_of(own, own.upper())), (1, 1, 1))
        self.assertEqual(attempt_uuid(own, 2), own)
        self.assertIn(own[2:20], match_keys([own]))
