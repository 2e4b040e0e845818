# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Migrate the database of another addon with this technical name (doc/behaviour.md section 8).

Its gateways, credentials, prefixes, states, callback tokens, status rows and settings are kept. Records and constraints
that conflict with this addon are removed: its views are validated against our models when one of ours is loaded, its
scheduled actions and rules refer to missing code, and its constraints would refuse our templates.
"""
import logging

from odoo.modules.registry import Registry
from odoo.tools.sql import column_exists, table_exists

_logger = logging.getLogger(__name__)

ADDON = 'eis_sms_apis'
MARKS = ('sms_gateway_pace', 'sms_gateway_throttle')  # tables that only this addon has
TABLES = (
    'sms_gateway', 'sms_gateway_parameter', 'sms_gateway_header', 'sms_gateway_callback_failure_map',
    'sms_gateway_status')
# Recreated by our data files, or obsolete. In this order, because records may refer to the next model.
RECORDS = {
    'ir.ui.menu': 'ir_ui_menu', 'ir.cron': 'ir_cron', 'ir.actions.server': 'ir_act_server',
    'ir.actions.act_window': 'ir_act_window', 'ir.rule': 'ir_rule', 'ir.model.access': 'ir_model_access',
}
# Our columns, and their possible names in the other addon, which documents only its labels.
NAMES = {
    'sms_gateway': {
        'base_url': ('url', 'api_url'), 'country_prefixes': ('country_prefix', 'prefixes'),
        'method': ('http_method',), 'auth_type': ('authentication_type',),
        'delivery_callback_token': ('callback_token',),
    },
    'sms_gateway_parameter': {
        'gateway_id': (), 'key': ('name', 'param_key'), 'value': ('param_value',),
        'param_type': ('type', 'parameter_type'),
    },
    'sms_gateway_header': {'gateway_id': (), 'key': ('name', 'header_key'), 'value': ('header_value',)},
    'sms_gateway_callback_failure_map': {
        'gateway_id': (), 'provider_code': ('code', 'error_code'), 'failure_type': ('odoo_failure_type',),
    },
    'sms_gateway_status': {
        'gateway_id': (), 'sms_uuid': ('uuid',), 'number': ('phone', 'phone_number', 'recipient'),
        'http_code': ('http_status', 'status_code'), 'response_text': ('response', 'response_body'),
        'message_id': ('provider_message_id',), 'state': ('status',),
    },
}
# Columns without which a row is useless.
ESSENTIAL = {
    'sms_gateway_parameter': ('gateway_id', 'key'), 'sms_gateway_header': ('gateway_id', 'key'),
    'sms_gateway_callback_failure_map': ('gateway_id', 'provider_code'), 'sms_gateway_status': ('gateway_id',),
}
NUMBERS = {
    'sms_gateway': ('sequence', 'max_recipients', 'max_connections', 'timeout', 'rate_limit'),
    'sms_gateway_parameter': ('sequence',),
    'sms_gateway_header': ('sequence',),
    'sms_gateway_status': ('sms_id_int', 'http_code', 'duration', 'attempt'),
}
BOOLEANS = {
    'sms_gateway': (
        'active', 'supports_multiple_recipients', 'require_message_id', 'create_status', 'failover',
        'delivery_callback_enabled'),
    'sms_gateway_status': ('awaits_report', 'is_test'),
}
# Values of each selection; the first replaces unknown values.
SELECTIONS = {
    'sms_gateway': {
        'state': ('disabled', 'new', 'active'),
        'method': ('post', 'get'),
        'request_type': ('form', 'json'),
        'auth_type': ('custom', 'none', 'api_key', 'token', 'basic'),
        'number_format': ('e164', 'international', 'double_zero', 'national', 'significant', 'raw'),
    },
    'sms_gateway_parameter': {
        'param_type': ('other', 'number', 'multi_number', 'message', 'auth'),
        'only_for': ('any', 'gsm', 'unicode'),
    },
    'sms_gateway_status': {'state': ('error', 'success', 'pending', 'server_error', 'canceled')},
}


def migrate(cr, version):
    if any(table_exists(cr, mark) for mark in MARKS) or not table_exists(cr, 'sms_gateway'):
        return
    _remove_views(cr)
    for model, table in RECORDS.items():
        _remove_records(cr, model, table)
    for table in TABLES:
        if table_exists(cr, table):
            _loosen(cr, table)
            _rename(cr, table)
            _untranslate(cr, table)
            _mend_values(cr, table)
            _remove_rows(cr, table)
    _mend_tokens(cr)
    _mend_failure_codes(cr)
    _mend_uuids(cr)


def _tell(what, names):
    if names:
        _logger.warning(
            "The addon that was called %s before: %s removed: %s", ADDON, what, ', '.join(sorted(map(str, names))))


# ----------------------------------------------------------
# Records
# ----------------------------------------------------------

def _remove_views(cr):
    """Remove the views of the other addon and the views that extend them."""
    cr.execute("""
        WITH RECURSIVE own AS (
            SELECT v.id FROM ir_ui_view v
            WHERE v.model LIKE 'sms.gateway%%' OR v.id IN (
                SELECT res_id FROM ir_model_data WHERE module = %s AND model = 'ir.ui.view')
            UNION SELECT v.id FROM ir_ui_view v JOIN own ON v.inherit_id = own.id)
        SELECT v.id, v.name FROM ir_ui_view v JOIN own USING (id)
    """, [ADDON])
    views = dict(cr.fetchall())
    # in one statement, because a view cannot be deleted before those that extend it
    _delete(cr, 'ir.ui.view', 'ir_ui_view', views)
    _tell("its views were", views.values())


def _remove_records(cr, model, table):
    cr.execute("""
        SELECT res_id, name FROM ir_model_data WHERE module = %s AND model = %s
    """, [ADDON, model])
    records = dict(cr.fetchall())
    if model == 'ir.ui.menu' and records:
        # submenus of other addons stay, without a parent
        cr.execute("UPDATE ir_ui_menu SET parent_id = NULL WHERE parent_id = ANY(%s)", [list(records)])
    _delete(cr, model, table, records)
    _tell(f"its records of {model} were", records.values())


def _delete(cr, model, table, ids):
    cr.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", [list(ids)])  # pylint: disable=sql-injection
    cr.execute("DELETE FROM ir_model_data WHERE model = %s AND res_id = ANY(%s)", [model, list(ids)])


# ----------------------------------------------------------
# Tables
# ----------------------------------------------------------

def _loosen(cr, table):
    """Drop NOT NULL, UNIQUE and CHECK constraints, which would refuse our rows. The ORM adds ours afterwards."""
    cr.execute("""
        SELECT attname FROM pg_attribute
        WHERE attrelid = %s::regclass AND attnotnull AND attnum > 0 AND NOT attisdropped AND attname != 'id'
    """, [table])
    for (column,) in cr.fetchall():
        cr.execute(f'ALTER TABLE {table} ALTER COLUMN "{column}" DROP NOT NULL')  # pylint: disable=sql-injection
    cr.execute("SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('u', 'c')", [table])
    for (name,) in cr.fetchall():
        cr.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')  # pylint: disable=sql-injection
    cr.execute("""
        SELECT indexrelid::regclass::text FROM pg_index
        WHERE indrelid = %s::regclass AND indisunique AND NOT indisprimary
    """, [table])
    for (name,) in cr.fetchall():
        cr.execute(f'DROP INDEX {name}')  # pylint: disable=sql-injection


def _rename(cr, table):
    """Rename columns to our names, unless there is one with that name."""
    for column, others in NAMES[table].items():
        if column_exists(cr, table, column):
            continue
        if column == 'gateway_id':
            cr.execute("""
                SELECT a.attname FROM pg_constraint c
                JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
                WHERE c.contype = 'f' AND c.conrelid = %s::regclass AND c.confrelid = 'sms_gateway'::regclass
            """, [table])
            found = [name for name, in cr.fetchall()]
        else:
            found = [name for name in others if column_exists(cr, table, name)]
        if len(found) == 1:
            cr.execute(f'ALTER TABLE {table} RENAME COLUMN "{found[0]}" TO {column}')  # pylint: disable=sql-injection
            _logger.info("%s.%s was renamed to %s", table, found[0], column)


def _remove_rows(cr, table):
    """Remove rows without the columns that our code needs."""
    for column in ESSENTIAL.get(table, ()):
        if column_exists(cr, table, column):
            cr.execute(f"DELETE FROM {table} WHERE {column} IS NULL")  # pylint: disable=sql-injection
        else:
            cr.execute(f"DELETE FROM {table}")  # pylint: disable=sql-injection
        if cr.rowcount:
            _tell(f"{cr.rowcount} rows of {table} were", [f"they have no {column}"])


def _untranslate(cr, table):
    """Convert translated columns to plain text, because ours are not translated."""
    cr.execute("""
        SELECT column_name FROM information_schema.columns WHERE table_name = %s AND udt_name = 'jsonb'
    """, [table])
    translated = [column for column, in cr.fetchall()]
    for column in translated:
        cr.execute(f"""
            ALTER TABLE {table} ALTER COLUMN "{column}" TYPE varchar
            USING COALESCE("{column}"->>'en_US', jsonb_path_query_first("{column}", '$.*') #>> '{{}}')
        """)  # pylint: disable=sql-injection
    model = table.replace('_', '.')
    cr.execute("UPDATE ir_model_fields SET translate = NULL WHERE model = %s AND name = ANY(%s)", [model, translated])
    # Odoo read it before this script, and would convert the columns back
    known = getattr(Registry(cr.dbname), '_database_translated_fields', {})
    for column in translated:
        known.pop(f'{model}.{column}', None)


def _mend_values(cr, table):
    """Replace values that do not fit our columns; the ORM converts the others."""
    cr.execute("SELECT column_name, udt_name FROM information_schema.columns WHERE table_name = %s", [table])
    types = dict(cr.fetchall())
    for column in NUMBERS.get(table, ()):
        if types.get(column) in ('varchar', 'text'):
            # the first number of a status line such as `200 OK`
            cr.execute(f"""
                ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar USING substring({column} FROM '[0-9]{{1,9}}')
            """)  # pylint: disable=sql-injection
    for column in BOOLEANS.get(table, ()):
        if types.get(column) in ('varchar', 'text'):
            cr.execute(f"""
                UPDATE {table} SET {column} = lower({column}) IN ('true', 't', 'yes', 'y', 'on', '1')
            """)  # pylint: disable=sql-injection
    for column, (other, *known) in SELECTIONS.get(table, {}).items():
        if types.get(column) in ('varchar', 'text'):
            cr.execute(f"""
                UPDATE {table} new SET {column} = %s FROM {table} old
                WHERE old.id = new.id AND NOT COALESCE(new.{column} = ANY(%s), FALSE) RETURNING old.{column}
            """, [other, [other, *known]])  # pylint: disable=sql-injection
            _tell(f"unknown values of {table}.{column} became {other} and were", {
                value for value, in cr.fetchall() if value})


def _mend_tokens(cr):
    """Keep each token at the oldest gateway only. The ORM generates new ones for the others."""
    if not column_exists(cr, 'sms_gateway', 'delivery_callback_token'):
        return
    cr.execute("""
        UPDATE sms_gateway newer SET delivery_callback_token = NULL
        WHERE trim(delivery_callback_token) = '' OR EXISTS (
            SELECT FROM sms_gateway older
            WHERE older.id < newer.id AND older.delivery_callback_token = newer.delivery_callback_token)
        RETURNING id
    """)
    _tell("empty or repeated callback tokens were", [f"gateway {gateway_id}" for gateway_id, in cr.fetchall()])


def _mend_failure_codes(cr):
    table = 'sms_gateway_callback_failure_map'
    if not table_exists(cr, table) or not column_exists(cr, table, 'provider_code'):
        return
    cr.execute(f"""
        DELETE FROM {table} newer USING {table} older
        WHERE older.gateway_id = newer.gateway_id AND older.provider_code = newer.provider_code AND older.id < newer.id
        RETURNING newer.provider_code
    """)  # pylint: disable=sql-injection
    _tell("repeated failure codes were", {code for code, in cr.fetchall()})


def _mend_uuids(cr):
    """Keep the newest status row of each SMS, and generate UUIDs for rows without one."""
    if not table_exists(cr, 'sms_gateway_status'):
        return
    if not column_exists(cr, 'sms_gateway_status', 'sms_uuid'):
        cr.execute("ALTER TABLE sms_gateway_status ADD COLUMN sms_uuid varchar")
    cr.execute("""
        DELETE FROM sms_gateway_status older USING sms_gateway_status newer
        WHERE older.sms_uuid = newer.sms_uuid AND older.sms_uuid != '' AND older.id < newer.id
    """)
    if cr.rowcount:
        _tell("older status rows of one SMS were", [f"{cr.rowcount} rows"])
    cr.execute("""
        UPDATE sms_gateway_status SET sms_uuid = replace(gen_random_uuid()::text, '-', '')
        WHERE COALESCE(sms_uuid, '') = ''
    """)
