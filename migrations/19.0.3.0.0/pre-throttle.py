# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`sms.gateway.pace` becomes `sms.gateway.throttle`. Pauses and rate limits stay as they are."""
from odoo.tools import sql

OLD, NEW = 'sms_gateway_pace', 'sms_gateway_throttle'


def migrate(cr, _version):
    if not sql.table_exists(cr, OLD) or sql.table_exists(cr, NEW):
        return
    cr.execute(f'ALTER TABLE {OLD} RENAME TO {NEW}')
    cr.execute(f'ALTER SEQUENCE {OLD}_id_seq RENAME TO {NEW}_id_seq')
    # Odoo makes its constraints and keys again under their new names
    for constraint in ('gateway_unique', 'pkey', 'gateway_id_fkey'):
        cr.execute(f'ALTER TABLE {NEW} DROP CONSTRAINT IF EXISTS {OLD}_{constraint} CASCADE')
    cr.execute(f'ALTER TABLE {NEW} ADD PRIMARY KEY (id)')
    cr.execute(f'ALTER TABLE {NEW} RENAME COLUMN resting_until TO paused_until')
    cr.execute("UPDATE ir_model SET model = 'sms.gateway.throttle' WHERE model = 'sms.gateway.pace'")
    cr.execute("UPDATE ir_model_fields SET model = 'sms.gateway.throttle' WHERE model = 'sms.gateway.pace'")
    cr.execute("""
        UPDATE ir_model_fields SET name = 'paused_until'
        WHERE model = 'sms.gateway.throttle' AND name = 'resting_until'
    """)
    for table in ('ir_model', 'ir_model_fields', 'ir_model_constraint', 'ir_model_access'):
        model = table.replace('_', '.')
        cr.execute("""
            UPDATE ir_model_data SET name = replace(replace(name, %s, %s), 'resting_until', 'paused_until')
            WHERE module = 'eis_sms_apis' AND model = %s AND name LIKE %s
        """, [OLD, NEW, model, f'%{OLD}%'])
    cr.execute(
        "UPDATE ir_model_constraint SET name = replace(name, %s, %s) WHERE name LIKE %s", [OLD, NEW, f'{OLD}%'])
