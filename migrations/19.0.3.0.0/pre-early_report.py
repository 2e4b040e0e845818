# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rename the table of early delivery reports, with everything that Odoo derives from its name. Otherwise Odoo would
remove the old model at the end of the upgrade, and the kept reports with it."""
from odoo.tools.sql import column_exists, table_exists

ADDON = 'eis_sms_apis'
OLD_MODEL, NEW_MODEL = 'sms.gateway.report', 'sms.gateway.early.report'
OLD, NEW = 'sms_gateway_report', 'sms_gateway_early_report'
PATTERN = OLD.replace('_', r'\_') + r'\_%'  # names that begin with the table's


def migrate(cr, version):
    # the column tells our table from one of another addon that had this technical name
    if column_exists(cr, OLD, 'message_id') and not table_exists(cr, NEW):
        _rename_table(cr)
        _rename_records(cr)


def _rename_table(cr):
    # pylint: disable=sql-injection
    cr.execute(f'ALTER TABLE {OLD} RENAME TO {NEW}')
    cr.execute("SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND conname LIKE %s", [NEW, PATTERN])
    for (name,) in cr.fetchall():
        cr.execute(f'ALTER TABLE {NEW} RENAME CONSTRAINT "{name}" TO "{_rename(name)}"')
    # the index of a constraint has been renamed with it
    cr.execute("""
        SELECT c.relname, CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'INDEX' END
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = current_schema AND c.relkind IN ('S', 'i') AND c.relname LIKE %s
    """, [PATTERN])
    for name, kind in cr.fetchall():
        cr.execute(f'ALTER {kind} "{name}" RENAME TO "{_rename(name)}"')


def _rename_records(cr):
    cr.execute("UPDATE ir_model SET model = %s WHERE model = %s", [NEW_MODEL, OLD_MODEL])
    cr.execute("UPDATE ir_model_fields SET model = %s WHERE model = %s", [NEW_MODEL, OLD_MODEL])
    cr.execute("UPDATE ir_model_constraint SET name = %s || substr(name, %s) WHERE name LIKE %s",
               [NEW, len(OLD) + 1, PATTERN])
    cr.execute("""
        UPDATE ir_model_data SET name = regexp_replace(name, %s, %s)
        WHERE module = %s AND name ~ %s
    """, [f'_{OLD}', f'_{NEW}', ADDON, f'^(model|field|constraint|access)_{OLD}(_|$)'])


def _rename(name):
    return NEW + name.removeprefix(OLD)
