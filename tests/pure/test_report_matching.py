# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A report finds the SMS that it speaks of, or none: doc/behaviour.md section 6."""
from dataclasses import replace
from uuid import uuid4

from ...tools.attempt import attempt_uuid
from ...tools.report.matching import RANK, SentIndex, SentSms, find_effects
from ...tools.report.parsing import DeliveryReport
from .common import PureCase


def sms(row_id, uuid='', message_id='', number='', attempt=1):
    return SentSms(row_id, uuid or uuid4().hex, message_id, number, attempt, 1)


def report(uuid='', message_id='', number=''):
    return DeliveryReport(uuid, message_id, number, 'delivered', 'success', '', '', '')


class TestReportMatch(PureCase):

    def find(self, sent, **identifiers):
        found, attempt = SentIndex(sent).find(report(**identifiers))
        return (found.row_id, attempt) if found else None

    def test_uuid(self):
        sent = [sms(1), sms(2)]
        self.assertEqual(self.find(sent, uuid=sent[1].uuid), (2, 1))
        self.assertEqual(self.find(sent, uuid=sent[1].uuid[:20]), (2, 1), "{uuid20}")
        self.assertIsNone(self.find(sent, uuid=uuid4().hex))
        self.assertIsNone(self.find(sent))

    def test_uuid_beats_message_id(self):
        sent = [sms(1, message_id='M1'), sms(2, message_id='M2')]
        self.assertEqual(self.find(sent, uuid=sent[0].uuid, message_id='M2'), (1, 1))
        self.assertEqual(self.find(sent, uuid='our-own-reference', message_id='M2'), (2, 1))

    def test_attempts(self):
        sent = [sms(1, attempt=2)]
        for attempt, expected in ((1, (1, 1)), (2, (1, 2)), (3, None)):
            self.assertEqual(self.find(sent, uuid=attempt_uuid(sent[0].uuid, attempt)), expected, attempt)
        untold = [sms(None, uuid=sent[0].uuid, attempt=None)]
        self.assertEqual(self.find(untold, uuid=attempt_uuid(sent[0].uuid, 3)), (None, 3))

    def test_message_id_of_one_sms(self):
        sent = [sms(1, message_id='M1', number='+32 456 00 11 22', attempt=3)]
        self.assertEqual(self.find(sent, message_id='M1'), (1, 3))
        self.assertIsNone(self.find(sent, message_id='m1'))

    def test_message_id_of_several_sms(self):
        sent = [sms(row, message_id='M', number=number) for row, number in enumerate(
            ('+32456001122', '+32456001123', '0032456001124', '+4512345678', '+1262456001122', '12345'), 1)]
        for number, row in (
                ('32456001122', 1), ('0456001123', 2), ('+32 456 00 11 24', 3), ('12345678', 4), ('1262456001122', 5),
                ('12345', 6)):
            self.assertEqual(self.find(sent, message_id='M', number=number), (row, 1), number)
        for number in ('', '+32456009999', '456001122', '1122', 'Acme'):
            self.assertIsNone(self.find(sent, message_id='M', number=number), number)

    def test_number_of_another_recipient_whose_sms_is_not_recorded_yet(self):
        sent = [sms(1, message_id='M', number='+32456001122')]
        self.assertIsNone(self.find(sent, message_id='M', number='+32456001199'))

    def test_number_that_tells_nothing(self):
        sent = [sms(1, message_id='M', number='+32456001122')]
        for number in ('+3245****122', 'Acme', '1122', '6f9619ff8b86d011b42d00c04fc964ff'):
            self.assertEqual(self.find(sent, message_id='M', number=number), (1, 1), number)


class TestEffects(PureCase):
    """doc/behaviour.md section 6: which of several reports decides."""

    def effects(self, rank, *states, row_id=1, attempt=1, reported_attempt=1):
        sent = sms(row_id, attempt=attempt)
        sent.rank = RANK[rank]
        uuid = attempt_uuid(sent.uuid, reported_attempt)
        effects = find_effects([sent], [
            DeliveryReport(uuid, '', '', f'word of {state}', state, '', '', '') for state in states])
        decisive = [decided.state for _sms, decided in effects.changed.values()]
        return (decisive[0] if decisive else None), effects.noticed

    def test_order_of_states(self):
        for rank, states, expected in (
                ('success', ['success'], 'success'), ('success', ['pending'], None),
                ('success', ['canceled', 'pending'], 'canceled'), ('success', ['error', 'success', 'error'], 'success'),
                ('server_error', ['canceled'], 'canceled'), ('canceled', ['error'], 'error'),
                ('error', ['canceled'], None), ('delivered', ['error'], None), ('delivered', ['success'], None)):
            with self.subTest(rank=rank, states=states):
                self.assertEqual(self.effects(rank, *states), (expected, {1: ''}))

    def test_earlier_attempt_counts_only_if_delivered(self):
        self.assertEqual(self.effects('success', 'error', attempt=2), (None, {1: ''}))
        self.assertEqual(self.effects('success', 'success', attempt=2), ('success', {1: ''}))
        self.assertEqual(self.effects('success', 'error', attempt=2, reported_attempt=2), ('error', {1: ''}))

    def test_unknown_status_is_noticed(self):
        self.assertEqual(self.effects('success', None, 'success'), ('success', {1: 'word of None'}))
        self.assertEqual(self.effects('success', None), (None, {1: 'word of None'}))

    def test_outdated_notes(self):
        """The first final report keeps the note of an unknown status, a later one does not."""
        sent = sms(1)
        words = {'success': 'delivered', 'error': 'failed', None: 'beamed'}
        for states, is_outdated, noticed in (
                ([None, 'success'], False, 'beamed'), (['success', None], False, 'beamed'),
                (['error', None, 'success'], True, ''), (['error', 'success', None], True, 'beamed')):
            with self.subTest(states=states):
                effects = find_effects([replace(sent)], [
                    DeliveryReport(sent.uuid, '', '', words[state], state, '', '', '') for state in states])
                self.assertEqual((effects.outdated, effects.noticed), ({1} if is_outdated else set(), {1: noticed}))

    def test_report_of_unknown_sms_is_early(self):
        early = report(uuid=uuid4().hex)
        effects = find_effects([sms(1)], [early])
        self.assertEqual((effects.early, effects.changed, effects.noticed), ([early], {}, {}))


class TestReason(PureCase):

    def test_words_of_a_failure(self):
        failed = DeliveryReport('u', '', '', 'REJECTED', 'error', '17', 'No credit', '')
        self.assertEqual(failed.reason, 'No credit')
        self.assertEqual(replace(failed, error_message='').reason, 'REJECTED 17')
        self.assertEqual(replace(failed, state='canceled').reason, '')
