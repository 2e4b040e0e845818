# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rename tables of this addon, and everything that Odoo derives from their names. Otherwise Odoo would remove the old
models at the end of the upgrade, including early delivery reports, pauses and reserved places under rate limits."""
from odoo.tools.sql import column_exists, table_exists

ADDON = 'eis_sms_apis'
# (old model, new model, a column that distinguishes our table from that of another addon with this technical name)
MODELS = (
    ('sms.gateway.report', 'sms.gateway.early.report', 'message_id'),
    ('sms.gateway.pace', 'sms.gateway.throttle', 'resting_until'),
)
# (model, old field, new field)
FIELDS = (('sms.gateway.throttle', 'resting_until', 'paused_until'),)


def migrate(cr, _version):
    for old_model, new_model, column in MODELS:
        old, new = old_model.replace('.', '_'), new_model.replace('.', '_')
        if column_exists(cr, old, column) and not table_exists(cr, new):
            _rename_table(cr, old, new)
            _rename_records(cr, old_model, new_model)
    for model, old, new in FIELDS:
        if column_exists(cr, model.replace('.', '_'), old):
            _rename_field(cr, model, old, new)


def _rename_table(cr, old, new):
    # pylint: disable=sql-injection
    pattern = _pattern(old)
    cr.execute(f'ALTER TABLE {old} RENAME TO {new}')
    cr.execute("SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND conname LIKE %s", [new, pattern])
    for (name,) in cr.fetchall():
        cr.execute(f'ALTER TABLE {new} RENAME CONSTRAINT "{name}" TO "{new + name.removeprefix(old)}"')
    # the index of a constraint was renamed with it
    cr.execute("""
        SELECT c.relname, CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'INDEX' END
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = current_schema AND c.relkind IN ('S', 'i') AND c.relname LIKE %s
    """, [pattern])
    for name, kind in cr.fetchall():
        cr.execute(f'ALTER {kind} "{name}" RENAME TO "{new + name.removeprefix(old)}"')


def _rename_records(cr, old_model, new_model):
    old, new = old_model.replace('.', '_'), new_model.replace('.', '_')
    cr.execute("UPDATE ir_model SET model = %s WHERE model = %s", [new_model, old_model])
    cr.execute("UPDATE ir_model_fields SET model = %s WHERE model = %s", [new_model, old_model])
    cr.execute("UPDATE ir_model_constraint SET name = %s || substr(name, %s) WHERE name LIKE %s",
               [new, len(old) + 1, _pattern(old)])
    cr.execute("""
        UPDATE ir_model_data SET name = regexp_replace(name, %s, %s)
        WHERE module = %s AND name ~ %s
    """, [f'_{old}', f'_{new}', ADDON, f'^(model|field|constraint|access)_{old}(_|$)'])


def _rename_field(cr, model, old, new):
    table = model.replace('.', '_')
    cr.execute(f'ALTER TABLE {table} RENAME COLUMN {old} TO {new}')  # pylint: disable=sql-injection
    cr.execute("UPDATE ir_model_fields SET name = %s WHERE model = %s AND name = %s", [new, model, old])
    cr.execute("UPDATE ir_model_data SET name = %s WHERE module = %s AND name = %s",
               [f'field_{table}__{new}', ADDON, f'field_{table}__{old}'])


def _pattern(table):
    """Return a LIKE pattern for names that start with that of a table."""
    return table.replace('_', r'\_') + r'\_%'
