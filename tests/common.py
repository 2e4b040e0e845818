# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the tests in Odoo share: a gateway to a provider on loopback, its callback, contacts, mailings.

Tests without Odoo share `pure/common.py`, those with real servers `system/common.py`.
"""
import json
from unittest import SkipTest
from unittest.mock import patch
from urllib.parse import urlsplit

from odoo.tests import HttpCase, TransactionCase

from ..controllers import callback
from ..sending.store.store import Store
from ..sending.store.transactions import OwnTransactions
from ..sending.throttle import Throttle
from ..tools.answer import bounded_regex
from ..tools.report.parsing import parse_reports
from .provider import Provider
from .pure.common import PureCase, send_for_real

DOUBT = "Outcome unknown: the recipient may have received this SMS."
SECRET = 's3cret-of-the-test'  # planted where a credential stands; must be found nowhere else
NUMBER = '+32456001122'
NUMBERS = tuple(f'+3245600112{index}' for index in range(4))
LOGGER = callback.__name__  # of refused calls


def get_template(env, slug):
    return env.ref(f'eis_sms_apis.gateway_{slug}')


class GatewayCase(TransactionCase):
    """Given a real provider on loopback, `self.provider`, and a form gateway to it, `self.gateway`."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = Provider()
        cls.provider.__enter__()
        cls.addClassCleanup(cls.provider.__exit__, None, None, None)
        cls.addClassCleanup(bounded_regex.stop)  # Odoo's tests warn of processes that stay
        parameters = cls.env['ir.config_parameter'].sudo()
        for key in ('sms.use_iap', 'sms.iap_fallback', 'sms.sms_gateway_id', 'sms.default_success_200'):
            parameters.set_param(key, False)
        parameters.set_param('eis_sms_apis.flood_same_text', '0')  # tests repeat a text
        cls.env['sms.gateway'].search([]).state = 'disabled'
        cls.gateway = cls.make_gateway("Loopback")

    @classmethod
    def _request_handler(cls, session, request, /, **kwargs):
        """Core makes every time-out in a test at least 10 s; those to our provider are left as they are."""
        if request.url.startswith(cls.provider.url):
            return send_for_real(session, request, **kwargs)
        return super()._request_handler(session, request, **kwargs)

    assert_cheap = PureCase.assert_cheap

    def setUp(self):
        super().setUp()
        self.provider.clear()

    def always_answer(self, reply, path=None):
        """Let the provider give every request (to `path`) this answer until the test ends."""
        self.provider.always(reply, path=path)
        self.addCleanup(self.provider.always, self.provider.accept, path=path)

    @classmethod
    def make_gateway(cls, name, **values):
        """An Active gateway that posts to, text and a token as a form, and reads the message id of a JSON answer."""
        return cls.env['sms.gateway'].create({
            'name': name,
            'state': 'active',
            'base_url': cls.provider.url,
            'auth_type': 'token',
            'token': SECRET,
            'message_id_regex': r'"id":\s*"([^"]+)"',
            'parameter_ids': [
                (0, 0, {'key': 'token', 'param_type': 'auth'}),
                (0, 0, {'key': 'to', 'param_type': 'number'}),
                (0, 0, {'key': 'text', 'param_type': 'message'}),
            ],
            **values,
        })

    def make_sms(self, *numbers, body="Hello", **values):
        return self.env['sms.sms'].create([{'number': number, 'body': body, **values} for number in numbers])

    def forget_failures(self):
        """Let the next reply of the first gateway count by itself, not as the third failure in a row."""
        self.env['sms.gateway.throttle'].sudo()._end_pauses(self.gateway.ids)

    def claim(self, sms, starts=0, lease=None):
        """Claim SMS as a run does.

        :param int starts: so many of them are marked as started
        :param float lease: seconds after which the claim counts as lost
        :return: what was claimed and the GatewayConfig of the gateways by id, and the store
        """
        def start(queued, _configs):
            for one in queued[:starts]:
                one.is_started = True

        store = Store(OwnTransactions(self.env))
        queued, configs = store.claim(len(sms), sms.ids, (), Throttle(lambda _connection: 60), start)
        if lease is not None:
            self.env.cr.execute("""
                UPDATE sms_sms SET claimed_until = (clock_timestamp() AT TIME ZONE 'UTC') + %s * interval '1 second'
                WHERE id = ANY(%s)""", [lease, sms.ids])
        self.env.invalidate_all()
        return queued, configs, store

    def status_of(self, sms):
        return self.env['sms.gateway.status'].search([('sms_uuid', 'in', sms.mapped('uuid'))])

    def make_contact(self, **values):
        return self.env['res.partner'].create({
            'name': "Jo", 'phone': '+32456001122', 'country_id': self.env.ref('base.be').id, **values})


class CallbackCase(GatewayCase, HttpCase):
    """Given a gateway whose delivery callbacks are on."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway.delivery_callback_enabled = True
        cls.path = urlsplit(cls.gateway.delivery_callback_url).path

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.object(callback, 'LOG_SECONDS', 0))  # every refusal, also after those of other tests

    def send_sms(self, *numbers):
        sms = self.make_sms(*(numbers or ('+32456001122',)))
        sms.send()
        return sms

    def call(self, method='GET', query='', content_type='', body=b'', path=None):
        headers = {'Content-Type': content_type} if content_type else {}
        url = self.path if path is None else path
        return self.url_open(f'{url}?{query}' if query else url, method=method, data=body or None, headers=headers)

    def state(self, sms):
        row = self.status_of(sms)
        return row.state, bool(row.delivered_date), sms.state


class DeliveryCase(GatewayCase):
    """Given a gateway whose delivery callbacks are on, with an error code, words and a number in its reports."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway.write(cls.get_callback_values())
        cls.contact = cls.make_contact(cls)

    @classmethod
    def get_callback_values(cls):
        return {
            'delivery_callback_enabled': True,
            'delivery_callback_error_code_param': 'code',
            'delivery_callback_error_message_param': 'words',
            'callback_failure_map_ids': [
                (0, 0, {'provider_code': '30003', 'failure_type': 'sms_invalid_destination'}),
                (0, 0, {'provider_code': '9*', 'failure_type': 'sms_credit'}),
            ],
        }

    def report(self, *reports, gateway=None, **report):
        """Let a gateway get one call with these reports, the way its callback does."""
        gateway = gateway or self.gateway
        body = json.dumps(reports or [report]).encode()
        self.assertTrue(gateway._receive_reports(
            parse_reports(gateway._get_report_rules(), 'POST', b'', 'application/json', body)))

    def send_sms(self, *numbers, **values):
        sms = self.make_sms(*(numbers or (NUMBER,)), **values)
        sms.send()
        return sms

    def send_message(self):
        """An SMS in the chatter. :return: it and its notification"""
        message = self.contact._message_sms("Hello")
        return self.env['sms.sms'].search([('mail_message_id', '=', message.id)]), message.notification_ids

    def bus_rows(self):
        """How many notifications web clients were sent so far."""
        self.env.cr.precommit.run()
        return self.env['bus.bus'].search_count([])

    def kept_reports(self):
        return self.env['sms.gateway.early.report'].search_count([])


class InboxCase(DeliveryCase):
    """Given reports that are stored and not applied."""

    def setUp(self):
        super().setUp()
        self.received = self.env['sms.gateway.received.report']

    def pending(self):
        return self.received.search_count([('gateway_id', '=', self.gateway.id), ('applied_date', '=', False)])

    def store(self, *reports):
        """Store reports as calls do whose server was killed before it could apply them."""
        with patch.object(type(self.received), '_drain', autospec=True):
            for report in reports:
                self.report(report)


class MarketingCase(GatewayCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if 'mailing.mailing' not in cls.env or 'mailing.sms.test' not in cls.env:
            raise SkipTest("SMS Marketing (mass_mailing_sms) is not installed in this database")
        cls.contacts = cls.env['res.partner'].create([
            {'name': f"Contact {index}", 'phone': number} for index, number in enumerate(NUMBERS)])
        cls.mailing = cls.make_mailing(sms_force_send=True)
        cls.gateway.max_connections = 1  # answers are given in the order of the contacts

    @classmethod
    def make_mailing(cls, **values):
        return cls.env['mailing.mailing'].create({
            'subject': "Summer sale", 'mailing_type': 'sms', 'body_plaintext': "Sale for {{ object.name }}",
            'mailing_model_id': cls.env['ir.model']._get_id('res.partner'),
            'mailing_domain': repr([('id', 'in', cls.contacts.ids)]), 'sms_allow_unsubscribe': False, **values})

    def traces(self, mailing=None):
        return (mailing or self.mailing).mailing_trace_ids.sorted('res_id')
