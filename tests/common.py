# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import requests

from odoo.tests import TransactionCase

from ..sending.store.store import Store
from ..sending.store.transactions import OwnTransactions
from ..sending.throttle import Throttle
from ..tools.answer import bounded_regex
from .provider import Provider

send_for_real = requests.Session.send  # before Odoo's tests replace it

DOUBT = "Outcome unknown: the recipient may have received this SMS."
SECRET = 's3cret-of-the-test'  # planted where a credential stands; must be found nowhere else


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
        cls.env['sms.gateway'].search([]).state = 'disabled'
        cls.gateway = cls.make_gateway("Loopback")

    @classmethod
    def _request_handler(cls, session, request, /, **kwargs):
        """Core makes every time-out in a test at least 10 s; those to our provider are left as they are."""
        if request.url.startswith(cls.provider.url):
            return send_for_real(session, request, **kwargs)
        return super()._request_handler(session, request, **kwargs)

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
