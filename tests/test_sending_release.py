# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Very many SMS that wait for a budget or quiet hours go on a part at a time, without losing or doubling one."""
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from ..sending import run
from ..sending.store import releases
from .test_sending_budget import BudgetCase
from .test_sending_quiet import QuietCase

WAITING = 20


class ReleaseCase(QuietCase, BudgetCase):
    """Given that a user waits for four SMS, and a claim releases two."""

    def setUp(self):
        super().setUp()
        self.administrator = new_test_user(self.env, 'settings', 'base.group_system')
        self.told = []
        self.startPatcher(patch.object(
            type(self.env['res.users']), '_bus_send', lambda user, kind, message: self.told.append((user, kind))))

    def send_many(self):
        sms = BudgetCase.send(self, WAITING + 1)
        for module, name in ((releases, 'RELEASE_SIZE'), (releases, 'AT_ONCE'), (run, 'MAX_CLAIM'), (run, 'MIN_CLAIM')):
            self.startPatcher(patch.object(module, name, 2))
        return sms

    def left(self):
        return self.env['sms.gateway.release'].search([])

    def assert_all_sent_once(self, sms):
        self.run_queue()
        self.assertEqual(set(sms.mapped('state')), {'pending'})
        self.assertEqual(sorted(number for number, _text in self.provider.sms), sorted(sms.mapped('number')))
        self.assertFalse(self.left())


@tagged('post_install', '-at_install')
class TestReleaseOfBudget(ReleaseCase):

    def setUp(self):
        super().setUp()
        self.budget = self.make_budget(1).with_user(self.administrator)
        self.sms = self.send_many()

    def test_release(self):
        self.budget.action_release()
        self.assertEqual(self.budget.waiting_count, WAITING - 4)
        self.assertEqual(self.told, [(self.administrator, 'simple_notification')])
        self.assert_all_sent_once(self.sms)

    def test_few(self):
        self.sms[4:].action_set_canceled()
        self.sms[4:].budget_id = False
        self.budget.action_release()
        self.assertEqual((self.budget.waiting_count, len(self.left()), self.told), (0, 0, []))

    def test_archive(self):
        self.budget.action_archive()
        self.assertEqual(self.budget.waiting_count, WAITING - 4)
        self.assert_all_sent_once(self.sms)

    def test_another_unit(self):
        """They are decided anew, each once: what waits again is not released again."""
        self.budget.write({'unit': 'money', 'amount': 0.5})
        self.budget.unit = 'segments'
        self.assertEqual(len(self.left()), 2)
        self.run_queue()
        self.assertEqual(self.budget.waiting_count, WAITING)
        self.assertFalse(self.left())
        with patch.object(releases, 'release_found', side_effect=AssertionError("again")):
            self.run_queue()

    def test_delete(self):
        """Deleting would take as long as releasing all."""
        with self.assertRaisesRegex(UserError, "Archive it"):
            self.budget.unlink()

    def test_locked_sms(self):
        """It is not left out: the release goes on with it."""
        execute, locked = type(self.env.cr).execute, self.sms[4].id

        def skip(cr, query, *parameters, **options):
            result = execute(cr, query, *parameters, **options)
            if 'ANY(%s) AND is_held' in str(query):
                rows = [row for row in cr.fetchall() if row != (locked,)]
                execute(cr, "SELECT unnest(%s::int[])", [[row[0] for row in rows]])
            return result

        with patch.object(type(self.env.cr), 'execute', skip):
            self.budget.action_release()
            self.run_queue()
        self.assertEqual(self.sms.mapped('state'), ['pending'] * 4 + ['outgoing'] * (WAITING - 3))
        self.assertEqual(self.left().next_id, locked)
        trigger = self.env['ir.cron.trigger'].search([('call_at', '>', fields.Datetime.now())], limit=1)
        self.assertTrue(trigger)
        self.assert_all_sent_once(self.sms)

    def test_of_a_mailing(self):
        mailing = self.env['mailing.mailing'].create({
            'subject': "Sale", 'mailing_type': 'sms', 'body_plaintext': "Sale",
            'mailing_model_id': self.env.ref('base.model_res_partner').id})
        self.sms.mailing_id = mailing
        self.budget._release_of_mailings(mailing)
        self.assert_all_sent_once(self.sms)


@tagged('post_install', '-at_install')
class TestReleaseOfQuietHours(ReleaseCase):

    def setUp(self):
        super().setUp()
        self.hours = self.make_hours().with_user(self.administrator)
        self.sms = self.send_many()
        self.assertEqual(self.sent(), [])

    def test_deleted(self):
        self.hours.unlink()
        self.assertEqual(len(self.sms.filtered('is_held')), WAITING + 1 - 4)
        self.assertEqual(self.told, [(self.administrator, 'simple_notification')])
        self.assert_all_sent_once(self.sms)

    def test_shorter(self):
        now = fields.Datetime.now()
        self.hours.end_hour = (self.hours.end_hour + 1) % 24
        self.assertTrue(self.left())
        self.run_queue()
        self.assertEqual(len(self.sms.filtered('is_held')), WAITING + 1)
        self.assertGreater(min(self.sms.mapped('send_after')), fields.Datetime.add(now, hours=2, minutes=30))
        self.assertFalse(self.left())
        self.assertEqual(self.sent(), [])
