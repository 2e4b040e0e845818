# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Our addon takes over the database of another one with its technical name (doc/behaviour.md section 8)."""
import shutil

import other_product
from common import environment
from test_templates_upgrade import UpgradeCase


class OtherProductCase:
    """Given a database in which that addon was used, when ours takes its place, then nothing of the user's is lost."""

    modules = ('contacts',)
    names = None

    def setUp(self):
        super().setUp()
        ours = self.addons / 'ours'
        self.addon.rename(ours)
        other_product.write(self.addon, self.names)
        self.odoo('-i', environment.ADDON)
        self.fill()
        shutil.rmtree(self.addon)
        ours.rename(self.addon)

    def fill(self):
        names = self.names
        gateways = [self.query(f"""
            INSERT INTO sms_gateway (name, code, sequence, state, active, {names['url']}, {names['prefixes']}, method,
                                     request_type, auth_type, token, {names['token']}, delivery_callback_enabled)
            VALUES (jsonb_build_object('en_US', %s::text), %s, '5', %s, true, %s, '+92,0091', %s, %s, %s,
                    %s, %s, true)
            RETURNING id
        """, name, name, state, f'https://old.example.com/{name}', method, kind, auth, f'token of {name}', token)[0][0]
            for name, state, method, kind, auth, token in (
                ('One', 'active', 'post', 'json', 'token', 'T1'), ('Two', 'testing', 'put', 'xml', 'oauth2', 'T1'),
                ('Three', 'disabled', 'get', 'form', 'none', ''))]
        for gateway in gateways:
            self.query(f"""
                INSERT INTO sms_gateway_parameter ({names['gateway']}, {names['key']}, {names['value']},
                                                   {names['param_type']}, position)
                VALUES (%s, 'to', '', 'number', 1), (%s, 'pass', 'x', 'secret', 2)
            """, gateway, gateway)
            self.query(f"""
                INSERT INTO sms_gateway_header ({names['gateway']}, {names['key']}, value)
                VALUES (%s, 'X-Account', '7'), (NULL, 'X-Lost', '8')
            """, gateway)
            self.query(f"""
                INSERT INTO sms_gateway_callback_failure_map ({names['gateway']}, {names['code']}, failure_type)
                VALUES (%s, '17', 'sms_credit'), (%s, '17', 'sms_server')
            """, gateway, gateway)
        self.query(f"""
            INSERT INTO sms_gateway_status ({names['gateway']}, {names['uuid']}, {names['number']},
                {names['http_code']}, {names['message_id']}, {names['state']}, provider)
            VALUES (%s, 'a', '+1', '200 OK', 'M1', 'success', 'x'), (%s, 'a', '+1', '500', 'M2', 'error', 'x'),
                   (%s, NULL, '+2', '', NULL, 'strange', 'x'), (%s, '', '+3', 'none', NULL, 'pending', 'x')
        """, *[gateways[0]] * 4)
        self.query("""
            INSERT INTO ir_config_parameter (key, value) VALUES ('sms.sms_gateway_id', %s), ('sms.iap_fallback', 'True')
        """, str(gateways[0]))
        self.gateways = gateways

    def test_takeover(self):
        for time in range(2):
            with self.subTest(upgrade=time + 1):
                self.upgrade()
                self.check()

    def check(self):
        rows = self.query("""
            SELECT name, state, base_url, country_prefixes, method, request_type, auth_type, token, sequence
            FROM sms_gateway WHERE id = ANY(%s) AND is_template IS NOT TRUE ORDER BY id
        """, self.gateways)
        self.assertEqual(rows, [
            ('One', 'active', 'https://old.example.com/One', '+92,0091', 'post', 'json', 'token', 'token of One', 5),
            ('Two', 'disabled', 'https://old.example.com/Two', '+92,0091', 'post', 'form', 'custom', 'token of Two', 5),
            ('Three', 'disabled', 'https://old.example.com/Three', '+92,0091', 'get', 'form', 'none', 'token of Three',
             5)])
        tokens = [row[0] for row in self.query("SELECT delivery_callback_token FROM sms_gateway ORDER BY id")]
        self.assertIn('T1', tokens)
        self.assertEqual(len(set(filter(None, tokens))), len(tokens))
        for gateway in self.gateways:
            self.assertEqual(
                self.query("SELECT key, value, param_type FROM sms_gateway_parameter WHERE gateway_id = %s ORDER BY id",
                           gateway), [('to', '', 'number'), ('pass', 'x', 'other')])
            self.assertEqual(
                self.query("SELECT key, value FROM sms_gateway_header WHERE gateway_id = %s", gateway),
                [('X-Account', '7')])
            self.assertEqual(
                self.query("SELECT provider_code, failure_type FROM sms_gateway_callback_failure_map "
                           "WHERE gateway_id = %s", gateway), [('17', 'sms_credit')])
        rows = self.query("SELECT sms_uuid, number, http_code, message_id, state FROM sms_gateway_status ORDER BY id")
        self.assertEqual([row[1:] for row in rows], [
            ('+1', 500, 'M2', 'error'), ('+2', None, None, 'error'), ('+3', None, None, 'pending')])
        self.assertEqual(len({row[0] for row in rows}), 3)
        self.assertEqual(
            self.query("SELECT key, value FROM ir_config_parameter WHERE key LIKE 'sms.%%' ORDER BY key"),
            [('sms.iap_fallback', 'True'), ('sms.sms_gateway_id', str(self.gateways[0]))])
        self.assertEqual(self.query("SELECT name FROM ir_ui_view WHERE name LIKE 'their %%'"), [])
        self.assertEqual(self.query("SELECT cron_name FROM ir_cron WHERE cron_name = 'their balance'"), [])
        self.assertEqual(self.query("SELECT name FROM ir_rule WHERE name = 'their rule'"), [])
        self.assertEqual(self.values('vonage')[1:], (True, False), "Our templates are there, too.")
        self.assertEqual(self.values('twilio')[::2], ('https://old.example.com/twilio', True))


class TestDocumentedNames(OtherProductCase, UpgradeCase):
    names = other_product.DOCUMENTED


class TestOtherNames(OtherProductCase, UpgradeCase):
    names = other_product.OTHERS
