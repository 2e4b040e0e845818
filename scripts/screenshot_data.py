# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The data of scripts/screenshots: gateways created from templates, SMS sent through them, and contacts.

Numbers are made up; those of North America are from the range reserved for fiction (555-01xx).
"""
import base64
import hmac
import sys
import urllib.request
from urllib.parse import urlencode

import environment

sys.path.insert(1, str(environment.REPOSITORY / 'tests'))
from provider import Provider, Reply

__all__ = ['Data', 'Provider']

SITE = 'https://erp.example.com'
AUTH_TOKEN = 'not-a-real-token'
# Two weeks of SMS: a few failures each day, and delivery within seconds.
HISTORY = """
    INSERT INTO sms_gateway_status (
        gateway_id, sms_uuid, number, state, outcome, http_code, message_id, failure_type, error_code, error_message,
        create_date, write_date, sent_date, delivered_date, duration, attempt, awaits_report)
    SELECT gateway, md5(gateway || ' ' || n), prefix || lpad((n * 37 %% 100)::text, 2, '0'),
           CASE WHEN failed THEN 'error' ELSE 'success' END, CASE WHEN failed THEN 'refused' ELSE 'accepted' END,
           CASE WHEN failed THEN 400 ELSE 201 END, CASE WHEN NOT failed THEN 'SM' || md5(n || prefix) END,
           CASE WHEN failed THEN 'sms_number_format' END, CASE WHEN failed THEN '21211' END,
           CASE WHEN failed THEN 'Invalid ''To'' Phone Number' END,
           moment, moment, CASE WHEN NOT failed THEN moment END,
           CASE WHEN NOT failed AND n %% 11 > 0 THEN moment + (2 + n * 7 %% 9) * interval '1 second' END,
           120 + n * 13 %% 200, 1, n %% 11 = 0 AND NOT failed
    FROM (VALUES (%(first)s, '+120255501', 260), (%(second)s, '+4474001234', 150)) AS side(gateway, prefix, total),
         LATERAL (SELECT n, n %% 17 = 0 AS failed,
                         now() AT TIME ZONE 'UTC' - (13 - n * 13 / total) * interval '1 day'
                             - n %% 5 * interval '7 minutes' AS moment
                  FROM generate_series(1, total) AS n) AS sms
    ORDER BY moment
"""


def answer_as_twilio(request):
    """Respond to a request as Twilio does."""
    number = request.form().get('To', [''])[0]
    if number.endswith('11'):
        return Reply(400, {
            'code': 21211, 'message': "The 'To' number is not a valid phone number.", 'status': 400,
            'more_info': 'https://www.twilio.com/docs/errors/21211'})
    if number.endswith('13'):
        return Reply(drop='before')
    return Reply(201, {
        'sid': f'SM{request.index:032x}', 'status': 'queued', 'to': number, 'num_segments': '1', 'error_code': None})


class Data:
    """Fills a database over RPC.

    :ivar dict ids: what scenes open: gateway, second, broken, json, template, contact, failed (status), sms
    :ivar dict addresses: what a picture shows instead of the addresses of this machine
    """

    def __init__(self, server, provider):
        self.server = server
        self.provider = provider
        self.call = environment.rpc(server.url, server.database).call
        provider.always(answer_as_twilio)
        self.ids = {}
        self.addresses = {}
        self._configure()
        self._make_gateways()
        self._send()

    def _configure(self):
        for key, value in (('web.base.url', SITE), ('web.base.url.freeze', 'True')):
            self.call('ir.config_parameter', 'set_param', [key, value])
        self.call('res.company', 'write', [[1], {'name': 'Harbor Works', 'country_id': self._ref('base.us')}])
        self.call('res.users', 'write', [[2], {
            'name': 'Claire Martin', 'phone': '+1 202 555 0142', 'odoobot_state': 'disabled'}])

    def _ref(self, name):
        return self.call('ir.model.data', 'check_object_reference', name.split('.'))[1]

    def _copy(self, template, **values):
        """Create a gateway from a template, as an administrator would, that sends to the local provider."""
        template_id = self._ref(f'eis_sms_apis.gateway_{template}')
        gateway_id = self.call('sms.gateway', 'action_use_template', [[template_id]])['res_id']
        url = self.call('sms.gateway', 'read', [[gateway_id], ['base_url']])[0]['base_url']
        site, path = url[:url.index('/', len('https://'))], url.split('/', 3)[3]
        start = path.split('/')[0]
        self.addresses[f'{self.provider.url}/{start}'] = f'{site}/{start}'
        self.call('sms.gateway', 'write', [[gateway_id], {'base_url': f'{self.provider.url}/{path}', **values}])
        return gateway_id

    def _make_gateways(self):
        twilio = {'username': f'AC{"5f0c2b7d" * 4}', 'password': AUTH_TOKEN, 'state': 'active'}
        self.ids['gateway'] = self._copy(
            'twilio', name='Twilio, North America', country_prefixes='+1', sender='+12025550100', **twilio)
        self.call('ir.config_parameter', 'set_param', ['sms.sms_gateway_id', str(self.ids['gateway'])])
        self.ids['second'] = self._copy(
            'twilio', name='Twilio, United Kingdom', country_prefixes='+44', sender='HarborWorks', **twilio)
        self.ids['json'] = self._copy('infobip', name='Infobip', sender='HarborWorks', api_key='not-a-real-key')
        self.ids['broken'] = self.call('sms.gateway', 'create', [{
            'name': 'Reseller', 'base_url': 'http://sms.example.com/send', 'method': 'get', 'country_prefixes': '+1202',
            'sequence': 20, 'auth_type': 'token', 'supports_multiple_recipients': True,
            'delivery_callback_enabled': True,
            'parameter_ids': [(0, 0, {'key': 'token', 'param_type': 'auth'}),
                              (0, 0, {'key': 'text', 'param_type': 'message'})]}])
        self.ids['template'] = self._ref('eis_sms_apis.gateway_vonage')
        connection = environment.connect(self.server.database)
        with connection.cursor() as cursor:
            cursor.execute(HISTORY, {'first': self.ids['gateway'], 'second': self.ids['second']})
        connection.close()

    def _send(self):
        names = (('Jo Walker', '+12025550117'), ('Lina Moreau', '+12025550111'), ('Ana Silva', '+12025550113'),
                 ('Sam Carter', '+447400123456'))
        for position, (name, phone) in enumerate(names):
            contact_id = self.call('res.partner', 'create', [{'name': name, 'phone': phone}])
            self._send_to(contact_id, f'Dear {name}, your order is ready. Pick it up until Friday, 6 pm. Harbor Works')
            if position == 1:
                self.ids['contact'] = contact_id
        rows = self.call('sms.gateway.status', 'search_read', [[]], {'fields': ['state', 'message_id'], 'limit': 4})
        self.ids['failed'] = next(row['id'] for row in rows if row['state'] == 'error')
        self.report(rows[0]['message_id'], self.ids['second'])
        self.ids['sms'] = self.call('sms.sms', 'search', [[('number', '=', names[1][1])]])[0]

    def _send_to(self, contact_id, body):
        composer = self.call('sms.composer', 'create', [{
            'composition_mode': 'comment', 'res_model': 'res.partner', 'res_id': contact_id, 'body': body}])
        self.call('sms.composer', 'action_send_sms', [[composer]])

    def report(self, message_id, gateway_id):
        """Report an SMS as delivered, as Twilio does, with its signature."""
        url = self.call('sms.gateway', 'read', [[gateway_id], ['delivery_callback_url']])[0]['delivery_callback_url']
        form = {'MessageSid': message_id, 'MessageStatus': 'delivered'}
        signed = url + ''.join(f'{name}{value}' for name, value in sorted(form.items()))
        signature = base64.b64encode(hmac.digest(AUTH_TOKEN.encode(), signed.encode(), 'sha1')).decode()
        request = urllib.request.Request(
            url.replace(SITE, self.server.url), urlencode(form).encode(), {'X-Twilio-Signature': signature})
        # without the proxy of the environment, which cannot reach this machine
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()
