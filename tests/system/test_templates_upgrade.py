# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An upgrade changes only what nobody touched: real ones, from a copy with other templates (doc/behaviour.md
section 8)."""
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from common import LOGGED_ERROR, REPOSITORY, SystemCase, environment

NEW_URL = 'https://new.example.com/sms'


class UpgradeCase(SystemCase):
    """Given a copy of the addon that a test may change before it upgrades to it."""

    modules = (environment.ADDON,)

    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.addons = Path(directory.name)
        self.addon = self.addons / environment.ADDON
        shutil.copytree(REPOSITORY, self.addon, ignore=shutil.ignore_patterns('.*', '__pycache__', 'scripts', 'tests'))
        (self.addon / 'tests').mkdir()
        (self.addon / 'tests' / '__init__.py').touch()

    def odoo(self, *args):
        """Run Odoo with the copy until it has done what the arguments say; it logs no error."""
        own = str(environment.ADDONS)
        config = (environment.STATE / 'odoo.conf').read_text(encoding='utf-8')
        path = re.search(r'^addons_path = (.*)$', config, re.MULTILINE)[1].replace(own, str(self.addons))
        command = environment.odoo_command(
            '-d', self.database, '--addons-path', path, '--stop-after-init', '--no-http', '--log-level=warn', *args)
        run = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300)
        self.assertEqual((run.returncode, LOGGED_ERROR.findall(run.stderr)), (0, []), run.stderr)

    def upgrade(self):
        self.odoo('-u', environment.ADDON)

    def change_file(self, slug, pattern, replacement):
        """Change the data file of a template in the copy."""
        path = self.addon / 'data' / 'gateways' / f'{slug}.xml'
        text, count = re.subn(pattern, replacement, path.read_text(encoding='utf-8'), flags=re.DOTALL)
        self.assertTrue(count, f'{slug}: {pattern}')
        path.write_text(text, encoding='utf-8')

    def change_url(self, *slugs):
        for slug in slugs:
            self.change_file(slug, '(name="base_url">)[^<]*', rf'\g<1>{NEW_URL}')

    def remove_file(self, slug):
        manifest = self.addon / '__manifest__.py'
        lines = manifest.read_text(encoding='utf-8').splitlines(keepends=True)
        kept = [line for line in lines if f"'data/gateways/{slug}.xml'" not in line]
        self.assertEqual(len(kept), len(lines) - 1)
        manifest.write_text(''.join(kept), encoding='utf-8')

    def gateway(self, slug):
        """:return: id of a template, or of what became of it; None when there is no such external id."""
        rows = self.query("""
            SELECT res_id FROM ir_model_data WHERE module = %s AND name = %s AND model = 'sms.gateway'
        """, environment.ADDON, f'gateway_{slug}')
        return rows[0][0] if rows else None

    def values(self, slug):
        """:return: base_url, is_template and noupdate of a template."""
        return self.query("""
            SELECT g.base_url, g.is_template, d.noupdate
            FROM ir_model_data d JOIN sms_gateway g ON g.id = d.res_id
            WHERE d.module = %s AND d.name = %s AND d.model = 'sms.gateway'
        """, environment.ADDON, f'gateway_{slug}')[0]

    def keys(self, slug):
        rows = self.query(
            "SELECT key FROM sms_gateway_parameter WHERE gateway_id = %s ORDER BY sequence, id", self.gateway(slug))
        return [row[0] for row in rows]


class TestTemplateUpgrade(UpgradeCase):

    def test_upgrade_changes_only_what_nobody_touched(self):
        """Given templates that a person edited, activated, deleted, or only moved, when the addon is upgraded to one
        with other values, then the untouched and the moved one have these, and everything else is as it was."""
        before = {slug: self.values(slug)[0] for slug in ('twilio', 'vonage', 'plivo', 'seven')}
        with self.start_server() as server:
            call = self.client(server).call
            call('sms.gateway', 'write', [[self.gateway('twilio')], {'note': "Ours"}])
            call('sms.gateway', 'action_toggle_state', [[self.gateway('vonage')]])
            call('sms.gateway', 'unlink', [[self.gateway('sinch')]])
            call('sms.gateway.parameter', 'create', [[{'gateway_id': self.gateway('plivo'), 'key': 'extra'}]])
            call('sms.gateway', 'write', [[self.gateway('seven')], {'sequence': 3}])
            copy, = call('sms.gateway', 'copy', [[self.gateway('bulksms')]])
        untouched, parameters = self.gateway('smsapi'), self.keys('smsapi')
        count = self.query("SELECT count(*) FROM sms_gateway")[0][0]

        self.change_url('twilio', 'vonage', 'plivo', 'sinch', 'seven', 'smsapi', 'bulksms')
        self.change_file('smsapi', r"(Command\.create\(\{'key': ')to'", r"\g<1>recipient'")
        for name in ('answer_number_path', 'header_ids', 'delivery_callback_status_success'):
            self.change_file('smsapi', f'<field name="{name}".*?(/>|</field>)', '')
        self.upgrade()

        self.assertEqual(self.values('twilio'), (before['twilio'], False, True))
        self.assertEqual(self.values('vonage'), (before['vonage'], False, True))
        self.assertEqual(self.values('plivo'), (before['plivo'], False, True))
        self.assertIn('extra', self.keys('plivo'))
        self.assertIsNone(self.gateway('sinch'))
        self.assertEqual(self.values('seven'), (NEW_URL, True, False))
        self.assertEqual(
            self.query("SELECT sequence FROM sms_gateway WHERE id = %s", self.gateway('seven')), [(3,)])
        self.assertEqual(self.values('bulksms'), (NEW_URL, True, False))
        self.assertNotEqual(self.query("SELECT base_url FROM sms_gateway WHERE id = %s", copy), [(NEW_URL,)])
        self.assertEqual(self.values('smsapi'), (NEW_URL, True, False))
        self.assertEqual(self.gateway('smsapi'), untouched)
        self.assertEqual(self.keys('smsapi'), ['recipient' if key == 'to' else key for key in parameters])
        self.assertEqual(self.query("SELECT key FROM sms_gateway_header WHERE gateway_id = %s", untouched), [])
        self.assertEqual(
            self.query("""
                SELECT answer_number_path, delivery_callback_status_success FROM sms_gateway WHERE id = %s
            """, untouched), [(None, 'delivered')], "What the file no longer names is at its default again.")
        self.assertEqual(self.query("SELECT count(*) FROM sms_gateway")[0][0], count)


class TestTemplateRemoval(UpgradeCase):

    def test_template_that_the_addon_gives_up(self):
        """Given a template that somebody edited and one that nobody touched, when the addon has neither any more, then
        the edited one stays; after the next upgrade too."""
        with self.start_server() as server:
            self.client(server).call('sms.gateway', 'write', [[self.gateway('twilio')], {'name': "Ours"}])
        edited = self.gateway('twilio')
        self.remove_file('twilio')
        self.remove_file('vonage')
        for _time in range(2):
            self.upgrade()
            self.assertEqual(self.gateway('twilio'), edited)
            self.assertIsNone(self.gateway('vonage'))

    def test_uninstalling_forgets_what_was_deleted(self):
        """Given a deleted template, when the addon is uninstalled and installed again, then all are there."""
        with self.start_server() as server:
            call = self.client(server, timeout=300).call
            call('sms.gateway', 'unlink', [[self.gateway('kannel')]])
            module = call('ir.module.module', 'search', [[('name', '=', environment.ADDON)]])
            call('ir.module.module', 'button_immediate_uninstall', [module])
        self.assertEqual(self.query("SELECT key FROM ir_config_parameter WHERE key LIKE 'eis_sms_apis%%'"), [])
        self.odoo('-i', environment.ADDON)
        self.assertTrue(self.gateway('kannel'))
        self.assertEqual(self.values('kannel')[1:], (True, False))


class TestReferenceProduct(UpgradeCase):
    """Given a database of another addon with the technical name of this one, made from ours by taking away what only
    we have, with gateways of its own: an active one, one without external id, one whose external id is ours too."""

    OUR_COLUMNS = (
        'company_id', 'note', 'is_template', 'max_recipients', 'number_format', 'sender', 'account_id', 'encoding_gsm',
        'encoding_unicode', 'smart_encoding', 'delivery_rates', 'dlt_entity_id', 'message_type_transactional',
        'message_type_promotional', 'error_code_regex', 'answer_items_path', 'answer_number_path',
        'answer_message_id_path', 'answer_status_path', 'answer_error_code_path', 'answer_error_message_path',
        'answer_error_values', 'require_message_id', 'wait_header', 'wait_regex', 'max_connections', 'timeout',
        'rate_limit', 'failover', 'weight', 'is_dry_run',
        'answer_price_path', 'answer_currency_path', 'answer_currency', 'answer_segments_path', 'price_regex',
        'price_unit_value', 'is_price_per_segment', 'delivery_callback_price_param',
        'delivery_callback_currency_param', 'delivery_callback_segments_param',
        'delivery_callback_number_param', 'delivery_callback_answer', 'delivery_callback_check',
        'delivery_callback_check_key', 'delivery_callback_check_username', 'delivery_callback_check_password',
        'delivery_callback_check_networks',
        'delivery_callback_signature_header', 'delivery_callback_signature_algorithm',
        'delivery_callback_signature_encoding', 'delivery_callback_signature_prefix',
        'delivery_callback_signature_content', 'delivery_callback_signature_key', 'delivery_callback_signature_param',
        'delivery_callback_signature_claims', 'delivery_callback_signature_time', 'delivery_callback_replay_window',
        'delivery_callback_check_old_key', 'delivery_callback_old_token', 'connect_fields', 'console_url', 'region',
        'country_codes', 'card_color', 'confidence', 'has_eu_server', 'balance', 'balance_currency', 'balance_date',
        'balance_attempt_date', 'balance_spending', 'balance_days_threshold',
        'balance_error', 'balance_threshold', 'balance_alerted', 'inbound_enabled', 'inbound_token',
        'inbound_old_token', 'inbound_kind_param', 'inbound_kind_values', 'inbound_message_id_param',
        'inbound_number_param', 'inbound_recipient_param', 'inbound_text_param', 'inbound_time_param',
        'inbound_reply_param', 'inbound_optout_param', 'inbound_part_reference_param', 'inbound_part_number_param',
        'inbound_part_total_param', 'inbound_encoding', 'inbound_encoding_param', 'inbound_answer',
        'inbound_answer_type', 'follows_provider_optout', 'optout_codes', 'sends_keyword_replies', 'inbound_user_id')

    def setUp(self):
        super().setUp()
        self.query("DELETE FROM sms_gateway")
        self.query("DELETE FROM ir_model_data WHERE model = 'sms.gateway'")
        self.query("UPDATE ir_module_module SET latest_version = '19.0.1.0.0' WHERE name = %s", environment.ADDON)
        self.query("DROP TABLE sms_gateway_throttle, sms_gateway_query, sms_gateway_balance_user_rel")
        for column in self.OUR_COLUMNS:
            self.query(f'ALTER TABLE sms_gateway DROP COLUMN {column}')
        self.query("ALTER TABLE sms_gateway_status DROP COLUMN outcome, DROP COLUMN attempt")
        self.query("ALTER TABLE sms_gateway_parameter DROP COLUMN only_for")
        self.query("ALTER TABLE res_company DROP COLUMN sms_gateway_id")
        self.query("ALTER TABLE sms_gateway ALTER COLUMN delivery_callback_token DROP NOT NULL")

    def make_gateway(self, name, state='new', external_id=''):
        gateway_id = self.query("""
            INSERT INTO sms_gateway (name, state, base_url, active, sequence, method, request_type, auth_type)
            VALUES (%s, %s, 'https://old.example.com', true, 10, 'post', 'form', 'none') RETURNING id
        """, name, state)[0][0]
        parameter_id = self.query("""
            INSERT INTO sms_gateway_parameter (gateway_id, key, param_type, sequence)
            VALUES (%s, 'to', 'number', 10) RETURNING id
        """, gateway_id)[0][0]
        if external_id:
            self.query("""
                INSERT INTO ir_model_data (module, name, model, res_id, noupdate) VALUES
                (%s, %s, 'sms.gateway', %s, false), (%s, %s, 'sms.gateway.parameter', %s, false)
            """, environment.ADDON, external_id, gateway_id, environment.ADDON, f'{external_id}_to', parameter_id)
        return gateway_id

    def test_gateways_stay(self):
        """When our addon takes its place, then its gateways are as they were, and our templates are there too; after
        the next upgrade too."""
        gateways = [
            self.make_gateway("Active", 'active', 'sms_gateway_demo'),
            self.make_gateway("Mine"),
            self.make_gateway("Twilio", 'new', 'gateway_twilio'),
        ]
        self.query("ALTER TABLE sms_gateway_status DROP CONSTRAINT sms_gateway_status_sms_uuid_unique")
        self.query("""
            INSERT INTO sms_gateway_status (gateway_id, sms_uuid, state)
            VALUES (%s, 'one', 'error'), (%s, 'one', 'success')
        """, gateways[0], gateways[0])
        self.query("INSERT INTO ir_config_parameter (key, value) VALUES ('sms.sms_gateway_id', %s)", str(gateways[0]))
        old = """
            SELECT g.id, g.name, g.state, g.base_url, g.is_template, p.key
            FROM sms_gateway g JOIN sms_gateway_parameter p ON p.gateway_id = g.id
            WHERE g.id = ANY(%s) ORDER BY g.id
        """
        for _time in range(2):
            self.upgrade()
            self.assertEqual([tuple(map(bool_or_text, row)) for row in self.query(old, gateways)], [
                (gateways[0], "Active", 'active', 'https://old.example.com', False, 'to'),
                (gateways[1], "Mine", 'new', 'https://old.example.com', False, 'to'),
                (gateways[2], "Twilio", 'new', 'https://old.example.com', False, 'to'),
            ])
            self.assertEqual(self.gateway('twilio'), gateways[2])
            self.assertEqual(
                self.query("SELECT value FROM ir_config_parameter WHERE key = 'sms.sms_gateway_id'"),
                [(str(gateways[0]),)])
            self.assertEqual(self.query("SELECT DISTINCT sms_gateway_id FROM res_company"), [(None,)])
            self.assertEqual(self.values('vonage')[1:], (True, False))
            tokens = [row[0] for row in self.query("SELECT delivery_callback_token FROM sms_gateway")]
            self.assertTrue(all(tokens))
            self.assertEqual(len(set(tokens)), len(tokens), "Each gateway has a callback token of its own.")
            self.assertEqual(self.query("SELECT sms_uuid, state FROM sms_gateway_status"), [('one', 'success')])


def bool_or_text(value):
    """Read a Boolean column as Odoo does: empty is False."""
    return False if value is None else value
