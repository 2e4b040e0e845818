# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models

from ..sending.gateway_config import GatewayConfig, GatewayConnection
from ..tools import phone
from ..tools.answer.failure_codes import FailureCode
from ..tools.answer.interpretation import AnswerRules
from ..tools.report.parsing import ReportRules, parse_value_list
from ..tools.request.builder import Credentials, Recipient, RequestConfig
from .sms_gateway import CREDENTIALS, STATUS_LISTS


class SmsGateway(models.Model):
    """A gateway as plain data, for tools that know nothing of the ORM."""
    _inherit = 'sms.gateway'

    def _get_configs(self):
        """Everything that sending needs, in a number of queries that does not grow with the gateways.

        :return: {gateway id: GatewayConfig}
        :rtype: dict
        """
        paces = self.env['sms.gateway.throttle'].sudo().search([('gateway_id', 'in', self.ids), ('failures', '>', 0)])
        failures = {pace.gateway_id.id: pace.failures for pace in paces}
        default_success = self._get_parameter('sms.default_success_200')
        return {
            gateway.id: GatewayConfig(
                gateway_id=gateway.id,
                name=gateway.name,
                connection=GatewayConnection(
                    (self.env.cr.dbname, gateway.id), gateway.max_connections, gateway.timeout),
                request=gateway._get_request_config(),
                answer=gateway._get_answer_rules(default_success),
                number_format=gateway.number_format,
                rate_limit=gateway.rate_limit,
                track_status=gateway.create_status,
                waits_for_report=gateway.delivery_callback_enabled,
                failures=failures.get(gateway.id, 0),
            )
            for gateway in self.sudo()
        }

    def _get_credentials(self):
        return Credentials(**{name: self[name] or '' for name in CREDENTIALS})

    def _get_request_config(self):
        self.ensure_one()
        headers = self.header_ids.sorted(lambda row: (row.sequence, row._origin.id))
        parameters = self.parameter_ids.sorted(lambda row: (row.sequence, row._origin.id))
        return RequestConfig(
            url=self.base_url or '',
            method=self.method or 'post',
            request_type=self.request_type or 'form',
            parameters=parameters.filtered('key')._to_parameters(),
            headers=tuple((row.key, row.value or '') for row in headers if row.key),
            body_template=self.body_template or '',
            multiple_recipients=self.supports_multiple_recipients,
            separator=self.multi_recipient_separator or '',
            max_recipients=self.max_recipients,
            auth_type=self.auth_type or 'none',
            credentials=self._get_credentials(),
            sender=self.sender or '',
            account_id=self.account_id or '',
            encoding_gsm=self.encoding_gsm or '',
            encoding_unicode=self.encoding_unicode or '',
            callback_url=self.delivery_callback_url if self.delivery_callback_enabled else '',
        )

    def _get_success_http_codes(self):
        """
        :rtype: frozenset[int]
        :raise ValueError: when one of them is no HTTP code
        """
        codes = frozenset(int(code) for code in (self.success_http_codes or '').split(',') if code.strip())
        if any(not 100 <= code <= 599 for code in codes):
            raise ValueError(self.success_http_codes)
        return codes

    def _get_usable_http_codes(self):
        """The codes, or the usual ones where they cannot be read: one gateway must not stop the others."""
        try:
            return self._get_success_http_codes()
        except ValueError:
            return AnswerRules.success_http_codes

    def _get_failure_map(self):
        return tuple(
            FailureCode(row.provider_code, row.failure_type, row.outcome) for row in self.callback_failure_map_ids)

    def _get_answer_rules(self, default_success):
        """
        :param bool default_success: whether an unclear answer with 200, 201 or 202 counts as success
        """
        self.ensure_one()
        secrets = self._get_secrets()
        return AnswerRules(
            message_id_regex=self.message_id_regex or '',
            error_code_regex=self.error_code_regex or '',
            items_path=self.answer_items_path or '',
            number_path=self.answer_number_path or '',
            message_id_path=self.answer_message_id_path or '',
            status_path=self.answer_status_path or '',
            error_code_path=self.answer_error_code_path or '',
            error_message_path=self.answer_error_message_path or '',
            error_values=parse_value_list(self.answer_error_values or ''),
            success_http_codes=self._get_usable_http_codes(),
            success_substring=self.success_substring or '',
            success_key=self.success_key or '',
            error_key=self.error_key or '',
            require_message_id=self.require_message_id,
            failure_map=self._get_failure_map(),
            default_success_200=default_success,
            secrets=secrets.secrets,
            names=secrets.names,
            pairs=secrets.pairs,
            status_tracked=self.create_status,
        )

    def _get_report_rules(self):
        self.ensure_one()
        return ReportRules(
            uuid_param=self.delivery_callback_uuid_param or '',
            message_id_param=self.delivery_callback_message_id_param or '',
            status_param=self.delivery_callback_status_param or '',
            error_code_param=self.delivery_callback_error_code_param or '',
            error_message_param=self.delivery_callback_error_message_param or '',
            number_param=self.delivery_callback_number_param or '',
            failure_map=self._get_failure_map(),
            secrets=self._get_secrets(),
            **{
                name: parse_value_list(self[f'delivery_callback_status_{name}'] or '')
                for name in STATUS_LISTS
            },
        )

    def _get_sample_recipients(self):
        """Two made-up recipients with one text, numbers in this gateway's format, for the preview."""
        numbers = ['+12025550123', '+12025550124'][:2 if self.supports_multiple_recipients else 1]
        return [
            Recipient(
                uuid=f'{index:032x}',
                number=phone.format_number(number, self.number_format or 'e164'),
                message=self.env._("Hello from Odoo"),
            )
            for index, number in enumerate(numbers, 1)
        ]
