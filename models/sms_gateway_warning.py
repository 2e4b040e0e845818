# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Warnings on a gateway's form: what will not work, or not as expected."""
from dataclasses import replace

from odoo import models

from ..sending import routing
from ..tools import phone
from ..tools.paths import translate_json_path
from ..tools.problem import Problem
from ..tools.request.checks import check_config
from ..tools.request.config import ConfigError
from ..tools.request.spelling import find_misspelled
from ..tools.request.typed_secrets import find_typed_secrets
from ..tools.request.usage import RequestUsage, is_local
from ..tools.sender_id import MAX_NAME
from .sms_gateway import CREDENTIALS
from .sms_gateway_form import REQUIRED


class SmsGatewayWarning(models.AbstractModel):
    _name = 'sms.gateway.warning'
    _description = 'SMS Gateway Warning'

    # === BUSINESS METHODS === #

    def _get_warnings(self, gateway):
        """Return what will not work, or not as expected.

        :rtype: list[str]
        """
        gateway.ensure_one()
        if not gateway.base_url:
            is_new = not gateway._origin and gateway.state != 'active'  # the form was just opened
            return [] if is_new else [self.env._("Base URL is empty, so this gateway cannot send. Enter a Base URL.")]
        usage = RequestUsage(gateway._get_request_config())
        return [
            *self._get_request_warnings(gateway, usage),
            *self._get_credential_warnings(gateway, usage),
            *self._get_mistakes(gateway, usage.names),
            *self._get_routing_warnings(gateway),
            *self._get_path_warnings(gateway),
            *self._get_callback_warnings(gateway, usage.names),
            *self._get_inbound_warnings(gateway),
            *self._get_query_warnings(gateway),
        ]

    def _get_request_warnings(self, gateway, usage):
        config, problems = usage.config, self.env['sms.gateway.problem']
        if config.sends_json and not config.has_template and not config.parameters:
            yield self.env._("The request has no body. Enter a JSON Body Template, or add parameters to build one.")
            return
        try:
            check_config(config)
        except ConfigError as error:
            yield problems._word(error.problem)
            return
        if config.multiple_recipients:
            if not usage.names_all_recipients:
                yield self.env._(
                    "Supports Multiple Recipients is on, but the request contains no list of numbers. Add {phones} to "
                    "a parameter, or __phones_list__ or __each__ to the JSON Body Template.")
            reads_id = gateway.message_id_regex or gateway.answer_message_id_path
            if usage.shares_uuid and not (reads_id and gateway.delivery_callback_message_id_param):
                yield self.env._(
                    "In a request for several recipients, {uuid} does not identify one SMS, so delivery reports cannot "
                    "be matched by it. Move it into [\"__each__\", ...], or read the message ID from the response.")
        elif not usage.names_recipients:
            yield problems._word(Problem('no_recipient'))
        if not usage.names & {'message', 'message_hex'}:
            yield problems._word(Problem('no_message'))

    def _get_credential_warnings(self, gateway, usage):
        needed = usage.names | (REQUIRED['basic'] if gateway.auth_type == 'basic' else set())
        missing = [
            gateway._fields[name]._description_string(self.env)
            for name in (*CREDENTIALS, 'account_id', 'sender') if name in needed and not gateway[name]
        ]
        if missing:
            yield self.env._("Missing: %s. The request uses it.", ', '.join(missing))
        if 'message_type' in usage.names and not (
                gateway.message_type_transactional and gateway.message_type_promotional):
            yield self.env._(
                "The request contains {message_type}, but not every message type has a value. Enter Message Type "
                "(Transactional) and (Promotional).")
        if usage.puts_secret_in_url:
            yield self.env._("The URL contains a credential, which servers and proxies write to their logs. Move it to "
                             "a header or the body if the provider accepts it there.")
        url = usage.config.url
        if usage.names & set(CREDENTIALS) and url.lower().startswith('http://') and not is_local(url):
            yield self.env._("Credentials are sent unencrypted. Use https:// if the provider offers it.")
        places = {
            name or gateway._fields[field]._description_string(self.env)
            for field, name, _secret in find_typed_secrets(usage.config)}
        if places:
            yield self.env._(
                "These values seem to contain secrets, which are visible on the form and copied with the gateway: %s. "
                "Enter the secrets on the Authentication page and use placeholders such as {token} instead.",
                ', '.join(sorted(places)))

    def _get_routing_warnings(self, gateway):
        if gateway.number_format in ('national', 'significant') and not gateway.country_prefixes:
            yield self.env._(
                "Numbers of other countries would reach strangers because the Number Format leaves out the country "
                "code. Enter the Country Prefixes that the provider serves.")
        if gateway.default_badge and (gateway.state != 'active' or not gateway.active):
            yield self.env._("This is the Default Gateway, but it is not Active, so it is not used. Activate it, or "
                             "select another one in the settings.")
        if gateway.state == 'active' and gateway._is_parameter_on('sms.use_iap'):
            yield self.env._("Use IAP is on in the settings, so gateways are not used.")
        if gateway.state == 'active' and gateway.country_prefixes and self._receives_unmatched_numbers(gateway):
            yield self.env._(
                "No Default Gateway is set and this gateway has the highest priority, so it also sends to numbers that "
                "match no gateway's prefixes. Set a Default Gateway in the settings to change this.")
        covering = self._get_covering_gateways(gateway)
        if covering:
            yield self.env._(
                "All Country Prefixes of this gateway are covered by gateways with a higher priority: %s. Drag this "
                "gateway above them, or change the prefixes.", ', '.join(covering.mapped('name')))

    def _receives_unmatched_numbers(self, gateway):
        """Return whether rule 3 routes unmatched numbers to this gateway, because there is no Default Gateway.

        :rtype: bool
        """
        companies = gateway.company_id or self.env['res.company'].sudo().search([('active', '=', True)])
        routes = [replace(route, paused=False) for route in gateway._get_routes()]
        default_ids = gateway._get_default_gateway_ids(companies)
        for company in companies:
            candidates = routing.RoutingTable(routes, company.id, default_ids[company.id]).candidates(None)
            if candidates and candidates[0].rule == routing.FIRST and candidates[0].gateway_id == gateway._origin.id:
                return True
        return False

    def _get_covering_gateways(self, gateway):
        """Return Active gateways that together cover all prefixes of this one with a higher priority.

        :return: empty if at least one prefix is left to this gateway
        """
        try:
            own = phone.parse_prefixes(gateway.country_prefixes or '')
        except phone.NumberError:
            return gateway.browse()
        others = gateway.search([
            *gateway._get_sending_domain(gateway.company_id), ('id', '!=', gateway._origin.id),
            ('country_prefixes', '!=', False)])
        prefixes = [(prefix, other) for other in others for prefix in other._get_prefixes()]
        covering = gateway.browse()
        for prefix in own:
            rank = (gateway.sequence, -len(prefix), gateway._origin.id or float('inf'))
            first = next((other for start, other in prefixes if prefix.startswith(start)
                          and (other.sequence, -len(start), other.id) < rank), None)
            if first is None:
                return gateway.browse()
            covering |= first
        return covering

    def _get_callback_warnings(self, gateway, names):
        if not gateway.delivery_callback_enabled:
            return
        by_uuid = gateway.delivery_callback_uuid_param and names & {'uuid', 'uuid20'}
        by_message_id = (
            gateway.create_status and gateway.delivery_callback_message_id_param
            and (gateway.message_id_regex or gateway.answer_message_id_path))
        if not by_uuid and not by_message_id:
            yield self.env._(
                "Delivery reports cannot be matched to their SMS. Read the message ID from the response (Message ID "
                "Regex) with Track Status on, or send {uuid} where the provider's reports repeat it.")
        if missing := gateway._get_missing_authentication():
            yield self.env._("All delivery reports are refused. Webhook Authentication requires %s.", missing)
        if is_local(gateway.delivery_callback_url) and not is_local(gateway.base_url):
            yield self.env._(
                "Providers cannot reach the Callback URL because it points to this machine. Set the system parameter "
                "web.base.url to the public URL of Odoo.")

    def _get_inbound_warnings(self, gateway):
        if not gateway.inbound_enabled:
            return
        if not gateway.inbound_number_param or not gateway.inbound_text_param:
            yield self.env._(
                "Inbound SMS cannot be read. Enter the names of Sender and Text on the Inbound SMS page, or turn off "
                "Receive SMS.")
        if gateway.delivery_callback_enabled:
            return  # the warnings about delivery reports say the same
        if missing := gateway._get_missing_authentication():
            yield self.env._("All inbound SMS are refused. Webhook Authentication requires %s.", missing)
        if is_local(gateway.inbound_url) and not is_local(gateway.base_url):
            yield self.env._(
                "Providers cannot reach the Inbound URL because it points to this machine. Set the system parameter "
                "web.base.url to the public URL of Odoo.")

    def _get_path_warnings(self, gateway):
        """Yield a warning for each path that is written as JSONPath.

        A form may have fields with brackets in their names, so only ``$`` counts where providers send forms.
        """
        for record in (gateway, *gateway.query_ids):
            for name, field in record._fields.items():
                path = (record[name] or '') if name.endswith(('_path', '_param')) else ''
                right = translate_json_path(path)
                if right != path and (name.endswith('_path') or path.lstrip().startswith('$')):
                    yield self.env._(
                        "%(field)s: %(wrong)s is JSONPath, which is not supported. Enter %(right)s.",
                        field=field._description_string(self.env), wrong=path, right=right)

    def _get_query_warnings(self, gateway):
        if gateway.has_status_query and not (
                gateway.create_status and (gateway.message_id_regex or gateway.answer_message_id_path)):
            yield self.env._(
                "The provider cannot be asked for the status of SMS, because their message IDs are not known. Turn on "
                "Track Status, and read the message ID from the response (Message ID Regex).")

    def _get_mistakes(self, gateway, names):
        """Yield the warnings about mistakes; for the first two the form has a button.

        :param names: placeholders of the request
        """
        for wrong, right in find_misspelled(gateway._get_request_texts()).items():
            yield self.env._("%(wrong)s is not a placeholder. Did you mean %(right)s?", wrong=wrong, right=right)
        if unused := gateway._get_unused_credential(names):
            yield self.env._(
                "The request does not send the %s. Add a header for it, or use it in a parameter or the JSON Body "
                "Template.", gateway._fields[unused]._description_string(self.env))
        sender = gateway.sender or ''
        if 'sender' in names and MAX_NAME < len(sender) <= 2 * MAX_NAME and sender.replace(' ', '').isalpha():
            yield self.env._(
                "The Sender ID has %(length)s characters. Alphanumeric sender IDs have at most %(maximum)s, and "
                "providers refuse longer ones.", length=len(sender), maximum=MAX_NAME)
