# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The table of early delivery reports was called `sms_gateway_report` up to version 19.0.2.0.0."""
from common import environment
from test_templates_upgrade import UpgradeCase

OLD, NEW = 'sms_gateway_report', 'sms_gateway_early_report'
KINDS = {'r': 'TABLE', 'i': 'INDEX', 'S': 'SEQUENCE'}
# Every name that Odoo or PostgreSQL derives from the table's.
NAMES = {
    'relations': """
        SELECT relname FROM pg_class WHERE relname LIKE 'sms_gateway_%%report%%' AND relkind IN ('r', 'i', 'S')
    """,
    'constraints': "SELECT conname FROM pg_constraint WHERE conname LIKE 'sms_gateway_%%report%%'",
    'models': "SELECT model FROM ir_model WHERE model LIKE 'sms.gateway.%%report'",
    'fields': "SELECT model || '.' || name FROM ir_model_fields WHERE model LIKE 'sms.gateway.%%report'",
    'reflected': "SELECT name FROM ir_model_constraint WHERE name LIKE 'sms_gateway_%%report%%'",
    'external ids': "SELECT name FROM ir_model_data WHERE name ~ '_sms_gateway_(early_)?report(_|$)'",
}


class TestEarlyReportUpgrade(UpgradeCase):

    def names(self):
        return {kind: sorted(row[0] for row in self.query(statement)) for kind, statement in NAMES.items()}

    def rename_back(self):
        """Make the database one of 19.0.2.0.0, as far as the early reports go."""
        names = self.names()
        for name in names['constraints']:
            self.query(f'ALTER TABLE {NEW} RENAME CONSTRAINT "{name}" TO "{name.replace(NEW, OLD)}"')
        for name, kind in self.query(
                "SELECT relname, relkind::text FROM pg_class WHERE relname LIKE %s AND relkind IN ('r', 'i', 'S')",
                f'{NEW}%'):
            self.query(f'ALTER {KINDS[kind]} "{name}" RENAME TO "{name.replace(NEW, OLD)}"')
        for table in ('ir_model', 'ir_model_fields'):
            self.query(f"UPDATE {table} SET model = 'sms.gateway.report' WHERE model = 'sms.gateway.early.report'")
        for table in ('ir_model_constraint', 'ir_model_data'):
            self.query(f"UPDATE {table} SET name = replace(name, '{NEW}', '{OLD}')")
        self.query("UPDATE ir_module_module SET latest_version = '19.0.2.0.0' WHERE name = %s", environment.ADDON)

    def test_kept_report_survives(self):
        """Given a report that is kept, when the addon is upgraded, then it is kept, and nothing has the old name."""
        before = self.names()
        self.assertTrue(all(before.values()), before)
        self.rename_back()
        self.assertNotIn('early', str(self.names()))
        gateway = self.gateway('twilio')
        self.query(f"""
            INSERT INTO {OLD} (create_date, gateway_id, uuid, state, status)
            VALUES (now() AT TIME ZONE 'UTC', %s, 'a', 'success', 'delivered')
        """, gateway)
        self.upgrade()
        self.assertEqual(self.query(f"SELECT gateway_id, uuid, state, status FROM {NEW}"),
                         [(gateway, 'a', 'success', 'delivered')])
        self.assertEqual(self.names(), before)
