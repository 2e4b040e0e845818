# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Real upgrades of a database of 19.0.2.0.0, in which two tables of this addon had other names."""
from common import environment
from test_templates_upgrade import UpgradeCase

# {new name of a table: the old one}
TABLES = {'sms_gateway_early_report': 'sms_gateway_report', 'sms_gateway_throttle': 'sms_gateway_pace'}
KINDS = {'r': 'TABLE', 'i': 'INDEX', 'S': 'SEQUENCE'}
# Every name that Odoo or PostgreSQL derives from a table's.
NAMES = {
    'relations': """
        SELECT relname FROM pg_class WHERE relname ~ '^sms_gateway_(early_)?(report|pace|throttle)'
        AND relkind IN ('r', 'i', 'S')
    """,
    'constraints': "SELECT conname FROM pg_constraint WHERE conname ~ '^sms_gateway_(early_)?(report|pace|throttle)'",
    'models': "SELECT model FROM ir_model WHERE model ~ '^sms.gateway.(early.)?(report|pace|throttle)'",
    'fields': """
        SELECT model || '.' || name FROM ir_model_fields WHERE model ~ '^sms.gateway.(early.)?(report|pace|throttle)'
    """,
    'reflected': "SELECT name FROM ir_model_constraint WHERE name ~ '^sms_gateway_(early_)?(report|pace|throttle)'",
    'external ids': """
        SELECT name FROM ir_model_data WHERE name ~ '_sms_gateway_(early_)?(report|pace|throttle)(_|$)'
    """,
}


class TestRenamedTables(UpgradeCase):

    def setUp(self):
        """Make the database one of 19.0.2.0.0, as far as these tables go."""
        super().setUp()
        self.before = self.names()
        self.assertTrue(all(self.before.values()), self.before)
        for new, old in TABLES.items():
            self.rename_back(new, old)
        self.query("ALTER TABLE sms_gateway_pace RENAME COLUMN paused_until TO resting_until")
        self.query("""
            UPDATE ir_model_fields SET name = 'resting_until' WHERE model = 'sms.gateway.pace' AND name = 'paused_until'
        """)
        self.query("""
            UPDATE ir_model_data SET name = 'field_sms_gateway_pace__resting_until'
            WHERE name = 'field_sms_gateway_pace__paused_until'
        """)
        self.query("UPDATE ir_module_module SET latest_version = '19.0.2.0.0' WHERE name = %s", environment.ADDON)
        self.assertNotRegex(str(self.names()), r'early|throttle|(\.|__)paused_until')

    def names(self):
        return {kind: sorted(row[0] for row in self.query(statement)) for kind, statement in NAMES.items()}

    def rename_back(self, new, old):
        for (name,) in self.query("SELECT conname FROM pg_constraint WHERE conname LIKE %s", f'{new}%'):
            self.query(f'ALTER TABLE {new} RENAME CONSTRAINT "{name}" TO "{name.replace(new, old)}"')
        for name, kind in self.query(
                "SELECT relname, relkind::text FROM pg_class WHERE relname LIKE %s AND relkind IN ('r', 'i', 'S')",
                f'{new}%'):
            self.query(f'ALTER {KINDS[kind]} "{name}" RENAME TO "{name.replace(new, old)}"')
        for table in ('ir_model', 'ir_model_fields'):
            self.query(
                f"UPDATE {table} SET model = %s WHERE model = %s", old.replace('_', '.'), new.replace('_', '.'))
        for table in ('ir_model_constraint', 'ir_model_data'):
            self.query(f"UPDATE {table} SET name = replace(name, '{new}', '{old}')")

    def test_what_they_hold_survives(self):
        """Given a kept report and a paused gateway, when the addon is upgraded, then both are as they were, and nothing
        has an old name."""
        gateway = self.gateway('twilio')
        self.query("""
            INSERT INTO sms_gateway_report (create_date, gateway_id, uuid, state, status)
            VALUES (now() AT TIME ZONE 'UTC', %s, 'a', 'success', 'delivered')
        """, gateway)
        self.query("""
            INSERT INTO sms_gateway_pace (gateway_id, resting_until, failures) VALUES (%s, '2040-01-01', 3)
        """, gateway)
        self.upgrade()
        self.assertEqual(self.query("SELECT gateway_id, uuid, state, status FROM sms_gateway_early_report"),
                         [(gateway, 'a', 'success', 'delivered')])
        self.assertEqual(
            self.query("SELECT gateway_id, paused_until::date::text, failures FROM sms_gateway_throttle"),
            [(gateway, '2040-01-01', 3)])
        self.assertEqual(self.names(), self.before)
