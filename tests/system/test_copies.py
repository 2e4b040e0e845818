# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Copies of a database send nothing, and the addon leaves nothing behind (doc/behaviour.md section 7)."""
import subprocess
import urllib.error
import urllib.request

from common import LOGGED_ERROR, SendingCase, environment

SECRETS = (
    'apikey-s3cret', 'token-s3cret', 'username-s3cret', 'password-s3cret', 'signing-s3cret', 'callback-s3cret',
    'header-s3cret', 'parameter-s3cret', 'query-s3cret', 'userinfo-s3cret', 'body-s3cret', 's3cret', 'lemon', '98765')

# What is typed into a gateway, and what is left of it in a copy.
HEADERS = [
    ('Authorization', 'Bearer header-s3cret', 'neutralized'),
    ('X-Auth', 'Bearer {token}', 'Bearer {token}'),
    ('X-Client', 'lemon', 'neutralized'),
    ('X-Other', 'lemon', 'neutralized'),
    ('X-Pair', '{username}:lemon', '{username}neutralized'),
    ('Cookie', 'session=lemon; lang=en', 'neutralized'),
    ('Accept', 'application/json; charset=utf-8', 'application/json; charset=utf-8'),
]
PARAMETERS = [
    ('who', 'parameter-s3cret', 'neutralized'),  # of type Authentication
    ('password', '{password}', '{password}'),
    ('hash', 'lemon', 'neutralized'),
    ('pin', '98765', 'neutralized'),
    ('name', 'lemon', 'neutralized'),
    ('braces', '{s3cret}', 'neutralized'),
    ('marks', '{username}/lemon', '{username}neutralized'),
    ('dlr', '31', '31'),
    ('unicode', 'yes', 'yes'),
    ('dlr-url', '{callback_url}?uuid={uuid}&status=%d', '{callback_url}?uuid={uuid}&status=%d'),
]
URLS = [
    ('https://me:userinfo-s3cret@api.example.com/sms?to={phone}&apikey=query-s3cret',
     'https://api.example.com/sms?to={phone}&apikey=neutralized'),
    ('https://{username}:{password}@api.example.com:8080/v1', 'https://{username}:{password}@api.example.com:8080/v1'),
    ('https://{username}:lemon@api.example.com/v1', 'https://api.example.com/v1'),
    ('https://api.example.com/bot98765:AAlemon/send', 'https://api.example.com/neutralized/send'),
    ('https://api.example.com/v1/s3cret0f9e8d7c6b5a/send', 'https://api.example.com/v1/neutralized/send'),
    ('https://api.example.com/token/lemon4/send?login=lemon&s3cret',
     'https://api.example.com/token/neutralized/send?login=neutralized&neutralized'),
    ('https://api.example.com/2010-04-01/Accounts/{account_id}/web2sms.json?auto-unicode=true',
     'https://api.example.com/2010-04-01/Accounts/{account_id}/web2sms.json?auto-unicode=true'),
]
BODIES = [
    ('{"secret": "body-s3cret", "token": "{token}", "text": "{message}"}',
     '{"secret": "neutralized", "token": "{token}", "text": "{message}"}'),
    (r'{"password": "le\"mon\\", "pin": 98765, "auth": ["lemon", {"x": "lemon"}], "id": "lemon", "flash": 0}',
     ('{"password": "neutralized", "pin": "neutralized", "auth": ["neutralized", {"x": "neutralized"}], '
     '"id": "neutralized", "flash": 0}')),
    ('["__each__", {"to": "{phone}", "channel": "sms", "hash": __api_key__, "list": __phones_list__, "on": true}]',
     '["__each__", {"to": "{phone}", "channel": "sms", "hash": __api_key__, "list": __phones_list__, "on": true}]'),
]

GATEWAY = {
    'country_prefixes': '+32',
    'delivery_callback_enabled': True,
    'delivery_callback_check': 'signature',
    'delivery_callback_signature_header': 'X-Signature',
    'delivery_callback_check_key': 'signing-s3cret',
    'delivery_callback_check_old_key': 'oldsigning-s3cret',
    'delivery_callback_old_token': 'oldtoken-s3cret',
    'delivery_callback_check_username': 'callback-s3cret',
    'delivery_callback_check_password': 'callback-s3cret',
    'auth_type': 'custom',
    'api_key': 'apikey-s3cret',
    'token': 'token-s3cret',
    'username': 'username-s3cret',
    'password': 'password-s3cret',
}


def run_odoo(test, *args):
    """Run an Odoo command until it has ended; it logs no error."""
    run = subprocess.run(
        environment.odoo_command(*args), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=300)
    test.assertEqual((run.returncode, LOGGED_ERROR.findall(run.stderr)), (0, []), run.stderr)


class TestNeutralize(SendingCase):
    """Given a database with gateways, queued and failed SMS, when it is copied and neutralized."""

    def setUp(self):
        super().setUp()
        server = self.start_server()
        client = self.client(server)
        self.gateway_id = self.make_gateway(client, **GATEWAY)
        client.call('sms.gateway', 'create', [[{
            'name': "Typed", 'state': 'new', 'method': 'post', 'request_type': 'json',
            'base_url': self.provider.url,
            'header_ids': [[0, 0, {'key': key, 'value': value}] for key, value, _left in HEADERS],
            'parameter_ids': [
                [0, 0, {'key': key, 'value': value, 'param_type': 'auth' if key == 'who' else 'other'}]
                for key, value, _left in PARAMETERS],
        }, *(
            {'name': f"URL {index}", 'state': 'new', 'method': 'get', 'base_url': url}
            for index, (url, _left) in enumerate(URLS)
        ), *(
            {'name': f"Body {index}", 'state': 'new', 'method': 'post', 'request_type': 'json',
             'base_url': self.provider.url, 'body_template': body}
            for index, (body, _left) in enumerate(BODIES)
        )]])
        client.call('ir.default', 'set', ['sms.gateway', 'api_key', 'apikey-s3cret'])
        # the form refuses most secrets that are typed in a query
        self.query("INSERT INTO sms_gateway_query (gateway_id, kind, method, url, amount_divisor, delay_minutes, "
                   "ids_per_request) SELECT id, 'balance', 'get', base_url, 1, 15, 1 FROM sms_gateway "
                   "WHERE name LIKE 'URL %%' ON CONFLICT DO NOTHING")  # another test may have left its gateways
        self.templates = self.read_templates()
        self.path = client.call('sms.gateway', 'read', [[self.gateway_id], ['delivery_callback_url']])[0][
            'delivery_callback_url'].removeprefix('http://').partition('/')[2]
        client.call('res.config.settings', 'create', [{}])
        self.query("INSERT INTO ir_config_parameter (key, value) VALUES ('sms.iap_fallback', 'True'), "
                   "('sms.sms_gateway_id', %s) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value",
                   str(self.gateway_id))
        self.addCleanup(self.query, "DELETE FROM ir_config_parameter WHERE key = 'sms.iap_fallback'")
        server.stop()
        self.queue(5)
        self.query("UPDATE sms_sms SET state = 'error', failure_type = 'sms_server' WHERE id %% 2 = 0")
        self.query("UPDATE sms_sms SET state = 'process', claimed_until = now() - interval '1 day' "
                   "WHERE id = (SELECT max(id) FROM sms_sms WHERE state = 'outgoing')")
        run_odoo(self, 'neutralize', '-d', self.database)

    def read_templates(self):
        return [
            self.query(f"SELECT {columns} FROM {table} WHERE is_template ORDER BY g.id, 1")
            for columns, table in (
                ('name, base_url, body_template', 'sms_gateway g'),
                ('h.id, key, value', 'sms_gateway_header h JOIN sms_gateway g ON g.id = gateway_id'),
                ('p.id, key, value', 'sms_gateway_parameter p JOIN sms_gateway g ON g.id = gateway_id'),
                ('q.id, q.url, q.body', 'sms_gateway_query q JOIN sms_gateway g ON g.id = gateway_id'))]

    def test_copy_sends_nothing(self):
        server = self.start_server(cron_threads=1)
        client = self.client(server)
        ids = [row[0] for row in self.query("SELECT id FROM sms_sms")]
        self.wake_queue()
        self.run_queue(client)
        self.assertFalse(self.states().keys() & {'outgoing', 'pending', 'process', 'sent'})
        self.assertEqual(
            self.query("SELECT DISTINCT failure_type FROM sms_sms WHERE state = 'error'"), [('sms_server',)])
        client.call('sms.sms', 'action_set_outgoing', [ids])
        self.run_queue(client)
        client.call('sms.sms', 'action_set_outgoing', [ids])
        client.call('sms.sms', 'send', [ids])
        contact = client.call('res.partner', 'create', [[{'name': "Jo", 'phone': '+32456009999'}]])[0]
        composer = client.call('sms.composer', 'create', [[{
            'composition_mode': 'comment', 'res_model': 'res.partner', 'res_id': contact, 'body': "Hello"}]])[0]
        client.call('sms.composer', 'action_send_sms', [[composer]])
        test = client.call('sms.gateway.test', 'create', [{
            'gateway_id': self.gateway_id, 'number': '+32456009999', 'body': "Hello"}])
        with self.assertRaisesRegex(environment.RpcError, "neutralized"):
            client.call('sms.gateway.test', 'action_send', [[test]])
        self.wait_until(lambda: set(self.states()) <= {'error'})
        self.assertEqual(self.provider.requests, [])
        self.assertEqual(self.query("SELECT DISTINCT state FROM sms_gateway WHERE state = 'active'"), [])
        self.assertEqual(self.query("SELECT count(*) FROM iap_account"), [(0,)], "nor through Odoo's paid service")

        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f'{server.url}/{self.path}', timeout=10)
        self.assertEqual(caught.exception.code, 404, "the callback URL of the original is unknown")
        caught.exception.close()
        self.assert_log_clean(server)

    def test_copy_has_no_secret(self):
        for table in (
                'sms_gateway', 'sms_gateway_header', 'sms_gateway_parameter', 'sms_gateway_query',
                'ir_config_parameter', 'ir_default'):
            rows = str(self.query(f"SELECT * FROM {table}"))
            for secret in SECRETS:
                self.assertNotIn(secret, rows)
        self.assertEqual(self.read_templates(), self.templates, "templates still say what to send")
        headers = dict(self.query(
            "SELECT h.key, h.value FROM sms_gateway_header h JOIN sms_gateway g ON g.id = gateway_id "
            "WHERE g.name = 'Typed'"))
        self.assertEqual(headers, {key: left for key, _value, left in HEADERS})
        parameters = dict(self.query(
            "SELECT p.key, p.value FROM sms_gateway_parameter p JOIN sms_gateway g ON g.id = gateway_id "
            "WHERE g.name = 'Typed'"))
        self.assertEqual(parameters, {key: left for key, _value, left in PARAMETERS})
        urls = dict(self.query("SELECT name, base_url FROM sms_gateway WHERE name LIKE 'URL %%'"))
        self.assertEqual(urls, {f"URL {index}": left for index, (_url, left) in enumerate(URLS)})
        urls = dict(self.query(
            "SELECT g.name, q.url FROM sms_gateway_query q JOIN sms_gateway g ON g.id = gateway_id "
            "WHERE g.name LIKE 'URL %%'"))
        self.assertEqual(urls, {f"URL {index}": left for index, (_url, left) in enumerate(URLS)})
        bodies = dict(self.query("SELECT name, body_template FROM sms_gateway WHERE name LIKE 'Body %%'"))
        self.assertEqual(bodies, {f"Body {index}": left for index, (_body, left) in enumerate(BODIES)})

        tokens = [row[0] for row in self.query("SELECT delivery_callback_token FROM sms_gateway")]
        self.assertEqual(len(set(tokens)), len(tokens))
        self.assertNotIn(self.path.rpartition('/')[2], tokens)
        rows = self.query("SELECT inbound_enabled, inbound_token LIKE 'neutralized-%%' FROM sms_gateway")
        self.assertEqual(set(rows), {(False, True)})


class TestUninstall(SendingCase):
    """Given a database that has sent, when the addon is uninstalled and installed again."""

    LEFT_OVERS = {
        'models': "SELECT model FROM ir_model WHERE model LIKE 'sms.gateway%%' OR model = 'sms.retry'",
        'fields': "SELECT name FROM ir_model_fields WHERE relation LIKE 'sms.gateway%%'",
        'tables': "SELECT tablename FROM pg_tables WHERE tablename LIKE 'sms_gateway%%' "
                  "OR tablename LIKE 'sms_retry%%'",
        'parameters': "SELECT key FROM ir_config_parameter WHERE key LIKE 'eis\\_sms%%' OR key IN ("
                      "'sms.use_iap', 'sms.sms_gateway_id', 'sms.iap_fallback', 'sms.default_success_200')",
        'references': "SELECT name FROM ir_model_data WHERE module = 'eis_sms_apis'",
        'views': "SELECT name FROM ir_ui_view WHERE arch_db::text LIKE '%%sms_gateway%%' "
                 "OR arch_db::text LIKE '%%delivery_callback%%'",
        'actions': "SELECT res_model FROM ir_act_window WHERE res_model LIKE 'sms.gateway%%'",
        'menus': "SELECT name FROM ir_ui_menu WHERE name->>'en_US' LIKE 'SMS Gateway%%'",
        'triggers': "SELECT t.id FROM ir_cron_trigger t LEFT JOIN ir_cron c ON c.id = t.cron_id WHERE c.id IS NULL",
        'columns': "SELECT column_name FROM information_schema.columns WHERE table_name IN ('sms_sms', 'sms_tracker') "
                   "AND column_name IN ('gateway_id', 'claimed_until', 'send_after', 'attempt', 'failure_reason', "
                   "'lane', 'valid_until', 'forced_gateway_id', 'uses_exclusion_list')",
        'selections': "SELECT value FROM ir_model_fields_selection s JOIN ir_model_fields f ON f.id = s.field_id "
                      "WHERE f.model = 'sms.sms' AND f.name = 'failure_type' AND value = 'sms_rejected'",
        'failures': "SELECT failure_type FROM sms_sms WHERE failure_type IN ('sms_rejected', 'sms_not_delivered')",
    }

    def left_overs(self):
        found = {name: self.query(statement) for name, statement in self.LEFT_OVERS.items()}
        return {name: rows for name, rows in found.items() if rows}

    def test_uninstall_and_install_again(self):
        server = self.start_server()
        client = self.client(server)
        gateway_id = self.make_gateway(client)
        self.query("INSERT INTO ir_config_parameter (key, value) VALUES ('eis_sms_apis.status_retention_days', '30'), "
                   "('sms.use_iap', 'False'), ('sms.default_success_200', 'True'), ('sms.sms_gateway_id', %s) "
                   "ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value", str(gateway_id))
        twilio = client.call('sms.gateway', 'search', [[('name', '=', 'Twilio')]])
        client.call('sms.gateway', 'unlink', [twilio])
        self.queue(4)
        self.run_queue(client)
        self.assertEqual(len(self.provider.sms), 4)
        self.queue(2)
        self.query("UPDATE sms_sms SET state = 'error', failure_type = 'sms_rejected' WHERE id = "
                   "(SELECT max(id) FROM sms_sms)")
        self.wake_queue()
        module = client.call('ir.module.module', 'search', [[('name', '=', environment.ADDON)]])
        client.call('ir.module.module', 'button_immediate_uninstall', [module])
        self.assertEqual(self.left_overs(), {})

        client = self.client(server)
        client.call('res.config.settings', 'get_views', [[[False, 'form']]])
        client.call('sms.sms', 'get_views', [[[False, 'form'], [False, 'list']]])
        client.call('sms.sms', 'web_search_read', [[], {'number': {}, 'state': {}, 'failure_type': {}}])
        client.call('ir.cron', 'method_direct_trigger', [[self.query(
            "SELECT res_id FROM ir_model_data WHERE module = 'sms' AND name = 'ir_cron_sms_scheduler_action'")[0][0]]])

        client.call('ir.module.module', 'button_immediate_install', [module])
        client = self.client(server)
        self.assertTrue(client.call('sms.gateway', 'search_count', [[('name', '=', 'Twilio')]]), "all templates again")
        self.query("DELETE FROM sms_sms")
        self.provider.clear()
        self.make_gateway(client)
        self.queue(3)
        self.run_queue(client)
        self.assertEqual(len(self.provider.sms), 3)
        self.assert_log_clean(server)
