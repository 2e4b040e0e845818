# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models
from odoo.tools import format_datetime
from odoo.tools.misc import formatLang

from ..tools.attempt import match_key
from ..tools.display import pretty
from ..tools.report.matching import SentIndex, SentSms
from ..tools.report.parsing import DeliveryReport

MAX_REPORTS = 200  # that are shown
PRICE_DIGITS = 4
LEVELS = {'accepted': 'success', 'refused': 'danger', 'unknown': 'warning'}
REPORT_LEVELS = {'success': 'success', 'pending': 'info', 'error': 'danger', 'canceled': 'secondary'}


class SmsGatewayStory(models.AbstractModel):
    """Shows the attempts and delivery reports of an SMS in chronological order."""
    _name = 'sms.gateway.story'
    _description = "History of an SMS"

    @api.model
    def _render(self, sms_uuid, status):
        """
        :param str sms_uuid: of an `sms.sms`
        :param status: its `sms.gateway.status`, or none
        :return: HTML; False if nothing happened yet
        :rtype: Markup or bool
        """
        attempts = self.env['sms.gateway.attempt'].search([('sms_uuid', '=', sms_uuid)], order='attempt')
        entries = [
            self._describe_attempt(attempt, following)
            for attempt, following in zip(attempts, [*attempts, status][1:], strict=True)]
        # after Retry, the status row shows an attempt that is kept already, until the next one ends
        if status and not attempts.filtered(
                lambda kept: kept.next_step == 'retry' and kept.attempt >= status.attempt):
            entries.append(self._describe_last(status))
        if not entries:
            return False
        entries = self._merge(entries, self._describe_reports(sms_uuid, status, attempts))
        entries += self._describe_end(status)
        for entry in entries:
            entry['date'] = entry['moment'] and format_datetime(self.env, entry['moment'], dt_format='medium')
        return self.env['ir.qweb']._render('eis_sms_apis.sms_gateway_story', {'entries': entries})

    @api.model
    def _merge(self, attempts, reports):
        """Put reports among the attempts in the order of time, but after the attempt that they are about: a report can
        arrive before the response."""
        merged = []
        for attempt in attempts:
            while reports and reports[0]['attempt'] < attempt['attempt'] and reports[0]['moment'] <= attempt['moment']:
                merged.append(reports.pop(0))
            merged.append(attempt)
        return merged + reports

    # === ATTEMPTS === #

    @api.model
    def _describe_attempt(self, attempt, following):
        """Describe an attempt that was followed by another.

        :param following: the next attempt, or the status row
        """
        texts = self._describe_exchange(attempt, attempt.date)
        if attempt.recipient_count > 1:
            texts['facts'].append(self.env._("%s SMS in this request", attempt.recipient_count))
        date = attempt.next_date and format_datetime(self.env, attempt.next_date, dt_format='medium')
        if attempt.next_step == 'failover':
            gateway = following.sudo().gateway_id if following else None
            texts['next'] = (self.env._("Failed over to %s.", gateway.display_name) if gateway
                             else self.env._("Failed over to the next gateway."))
        elif attempt.next_step == 'requeue':
            texts['next'] = (self.env._("Queued again until %s.", date) if date else self.env._("Queued again."))
        elif attempt.next_step == 'retry':
            texts['next'] = self.env._(
                "Retried by %(user)s on %(date)s.", user=attempt.user_id.sudo().display_name or '?', date=date)
        return texts

    @api.model
    def _describe_last(self, status):
        return {**self._describe_exchange(status, status.sent_date or status.write_date), 'is_open': True}

    @api.model
    def _describe_exchange(self, row, date):
        """
        :param row: an `sms.gateway.attempt` or `sms.gateway.status`
        """
        is_reported = row.outcome == 'accepted'  # then an error is the one of a delivery report
        failures = dict(row._fields['failure_type']._description_selection(self.env))
        price = f'{formatLang(self.env, row.price, PRICE_DIGITS)} {row.price_currency or ""}'.strip()
        return {
            'moment': date,
            'attempt': row.attempt or 1,
            'title': self.env._("Attempt %s", row.attempt or 1),
            'gateway': row.sudo().gateway_id,
            'badge': dict(row._fields['outcome']._description_selection(self.env)).get(row.outcome),
            'level': LEVELS.get(row.outcome, 'secondary'),
            'facts': list(filter(None, (
                row.http_code and f'HTTP {row.http_code}', row.duration and f'{row.duration} ms',
                row.message_id and self.env._("Message ID %s", row.message_id),
                row.error_code and not is_reported and self.env._("Error code %s", row.error_code),
                row.price_source and self.env._("Price %s", price)))),
            'words': not is_reported and (row.error_message or failures.get(row.failure_type)),
            'request': row.request_text,
            'response': pretty(row.response_text or ''),
        }

    # === DELIVERY REPORTS === #

    @api.model
    def _describe_reports(self, sms_uuid, status, attempts):
        reports = self._find_reports(sms_uuid, status, attempts)
        entries = [self._describe_report(*report) for report in reports]
        if not entries and status and status.report_date:  # received reports are kept for a shorter time
            state = 'success' if status.delivered_date else status.state if status.state != 'success' else None
            report = DeliveryReport('', '', '', '', state, status.error_code or '', status.error_message or '', '')
            entries.append(self._describe_report(status.report_date, status.gateway_id, True, status.attempt, report))
        return entries

    @api.model
    def _describe_report(self, date, gateway, is_applied, attempt, report):
        labels = {
            'success': self.env._("Delivered"), 'pending': self.env._("Pending"), 'error': self.env._("Failed"),
            'canceled': self.env._("Cancelled")}
        return {
            'moment': date,
            'attempt': attempt or 1,
            'title': self.env._("Status query") if report.origin else self.env._("Delivery report"),
            'gateway': gateway.sudo(),
            'badge': labels.get(report.state) or (report.status and self.env._("Unknown status")),
            'level': REPORT_LEVELS.get(report.state, 'warning'),
            'facts': list(filter(None, (
                report.status and self.env._("Status %s", report.status),
                report.error_code and self.env._("Error code %s", report.error_code)))),
            'words': report.error_message,
            'next': not is_applied and self.env._("Not applied yet."),
        }

    @api.model
    def _find_reports(self, sms_uuid, status, attempts):
        """Find the received delivery reports of an SMS.

        :return: when, the gateway, whether it was applied, the attempt, and the DeliveryReport
        :rtype: list[tuple]
        """
        rows = [*attempts, *status]
        names = ', '.join(self.env['sms.gateway.received.report']._inbox_columns)
        # sorted afterwards: with a limit, PostgreSQL would read the whole table in the order of ids
        self.env.cr.execute(f"""
            WITH found AS MATERIALIZED (
                SELECT id, create_date, gateway_id, applied_date IS NOT NULL AS is_applied, {names}
                FROM sms_gateway_received_report
                WHERE gateway_id = ANY(%s) AND (
                    (uuid != '' AND substr(uuid, 3, 18) = ANY(%s)) OR (message_id != '' AND message_id = ANY(%s)))
            ) SELECT create_date, gateway_id, is_applied, {names} FROM found ORDER BY id LIMIT %s
        """, [
            list({row.gateway_id.id for row in rows}), _get_spellings(sms_uuid),
            list({row.message_id for row in rows if row.message_id}), MAX_REPORTS])
        found = []
        for date, gateway_id, is_applied, *values in self.env.cr.fetchall():
            report, gateway = DeliveryReport(*values), self.env['sms.gateway'].browse(gateway_id)
            if attempt := self._match(report, sms_uuid, status, rows, gateway):
                found.append((date, gateway, is_applied, attempt, report))
        return found

    @api.model
    def _match(self, report, sms_uuid, status, rows, gateway):
        """Match a report in the same way as when it is applied: several SMS may share a message ID.

        :param rows: the attempts and the status of the SMS
        :return: the attempt that the report is about, 0 if it is about another SMS
        :rtype: int
        """
        domain = [
            ('gateway_id', '=', gateway.id), ('message_id', '=', report.message_id), ('sms_uuid', '!=', sms_uuid)]
        others = self.env['sms.gateway.status'].sudo().search(domain) if report.message_id else ()
        number, own = status.number or '', {}
        for row in sorted(rows, key=lambda row: row.attempt):
            if row.gateway_id == gateway:
                own.pop(row.message_id, None)  # so that the last attempt is the last item
                own[row.message_id] = row.attempt or 1
        index = SentIndex([
            *(SentSms(None, other.sms_uuid, other.message_id, other.number or '', other.attempt, 0)
              for other in others),
            *(SentSms(None, sms_uuid, message_id or '', number, attempt, 0) for message_id, attempt in own.items()),
        ])
        sms, attempt = index.find(report)
        return attempt if sms and sms.uuid == sms_uuid else 0

    # === END === #

    @api.model
    def _describe_end(self, status):
        """Say what the SMS is waiting for."""
        if status.sms_id.state == 'outgoing':
            text = self.env._("In the queue")
        elif status.awaits_report:
            text = self.env._("Waiting for a delivery report")
        else:
            return []
        return [{'moment': False, 'title': text, 'level': 'secondary'}]


def _get_spellings(uuid):
    """Return the part of a UUID that all attempts share, as the providers may spell it in a report."""
    key = match_key(uuid)
    dashed = '-'.join((uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:]))[2:20]
    return list({key, key.upper(), dashed, dashed.upper()})
