# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Mask secrets in stored responses and reports: earlier versions masked fewer spellings, and no delivery reports."""
import logging

from odoo import SUPERUSER_ID, api
from odoo.tools.sql import column_exists

_logger = logging.getLogger(__name__)

BATCH = 10_000
# Table, column of `sms_tracker` that leads to its gateway, and its columns with text of a provider.
TEXTS = (
    ('sms_gateway_status', None, ('response_text', 'error_message', 'error_code', 'note')),
    ('sms_gateway_early_report', None, ('status', 'error_message', 'error_code')),
    ('sms_sms', None, ('failure_reason',)),
    ('mail_notification', 'mail_notification_id', ('failure_reason',)),
    ('mailing_trace', 'mailing_trace_id', ('failure_reason',)),
)


def migrate(cr, version):
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    gateways = env['sms.gateway'].with_context(active_test=False).search([])
    masks = {gateway.id: gateway._get_secrets().masker() for gateway in gateways}
    for table, tracker_column, columns in TEXTS:
        if (not tracker_column or column_exists(cr, 'sms_tracker', tracker_column)) and all(
                column_exists(cr, table, column) for column in columns):
            count = _mask(cr, masks, table, tracker_column, columns)
            if count:
                _logger.info("Secrets were masked in %s rows of %s", count, table)
    env.invalidate_all()


def _mask(cr, masks, table, tracker_column, columns):
    names = ', '.join(f'target.{column}' for column in columns)
    gateway, join = 'target.gateway_id', ''
    if tracker_column:
        gateway, join = 't.gateway_id', f'JOIN sms_tracker t ON t.{tracker_column} = target.id'
    last, count = 0, 0
    while True:
        cr.execute(f"""
            SELECT target.id, {gateway}, {names} FROM {table} target {join}
            WHERE target.id > %s AND {gateway} IS NOT NULL AND COALESCE({names}) IS NOT NULL
            ORDER BY target.id LIMIT %s
        """, [last, BATCH])  # pylint: disable=sql-injection
        rows = cr.fetchall()
        for row_id, gateway_id, *texts in rows:
            masked = [text and masks[gateway_id](text) for text in texts]
            if masked != texts:
                count += 1
                assignments = ', '.join(f'{column} = %s' for column in columns)
                cr.execute(f"UPDATE {table} SET {assignments} WHERE id = %s",  # pylint: disable=sql-injection
                           [*masked, row_id])
        if len(rows) < BATCH:
            return count
        last = rows[-1][0]
