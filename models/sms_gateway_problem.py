# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models
from odoo.tools.translate import LazyTranslate

_lt = LazyTranslate(__name__)

# For each code of a `Problem`: what happened, whether the SMS may have been sent, and what its reader can do.
SENTENCES = {
    # No readable response. If the SMS may have been sent, `_word_result` says so first.
    'connect_timeout': _lt("The provider's server did not accept a connection in time. Nothing was sent."),
    'connection_lost': _lt("The connection was lost before the request was sent. Nothing was sent."),
    'invalid_host': _lt("The host of the URL is not valid. Nothing was sent."),
    'invalid_request': _lt("The request is not valid (%(error)s). Nothing was sent."),
    'no_tls': _lt("No TLS connection could be established. Nothing was sent."),
    'proxy_refused': _lt("The proxy refused the connection with HTTP %(status)s. Nothing was sent."),
    'proxy_unreachable': _lt("The proxy cannot be reached. Nothing was sent."),
    'response_lost': _lt("The connection was lost before the response was complete."),
    'response_too_long': _lt("The response is too long."),
    'response_undecodable': _lt("The response cannot be decoded."),
    'timeout': _lt("The provider did not respond in time."),
    'tls_lost': _lt("The TLS connection was lost before the response was complete."),
    'unreachable': _lt("The provider's server cannot be reached. Nothing was sent."),
    'untrusted_certificate': _lt(
        "The server's certificate is not trusted: %(error)s. Nothing was sent."),

    # Incomplete responses
    'no_message_id': _lt("No message ID in the response."),
    'recipient_not_named': _lt("The response contains no clear result for this recipient."),
    'redirect': _lt("The provider responded with %(status)s, and redirects are not followed."),

    # Balance
    'no_balance': _lt("The response contains no balance."),
    'query_refused': _lt("The provider responded with HTTP %(status)s."),

    # Status queries
    'message_id_in_request': _lt(
        "{%(name)s} is for status queries only, because the message ID is known after sending. Remove it."),
    'no_id_separator': _lt("Enter the separator between the IDs in {message_ids}, such as a comma."),
    'no_status': _lt(
        "The response contains no status of the SMS. Check the paths of the status query, or the Status Regex."),
    'query_without_message_id': _lt("Enter {message_id} where the URL or the body contains the message ID of the SMS."),
    'single_message_id': _lt(
        "The query asks about several SMS, but contains the values of a single one. Use {message_ids}, or "
        "[\"__each__\", \"{message_id}\"] in a JSON body, or enter 1 as IDs per Request."),

    # SMS that were not sent
    'waiting_account': _lt("Waiting: the provider refuses the account of the gateway."),
    'waiting_quiet': _lt("Waiting: quiet hours in %(place)s."),
    'waiting_asked': _lt("Waiting: the provider is unreachable or asked to wait."),
    'waiting_failing': _lt("Waiting: the provider does not process requests."),
    'waiting_budget': _lt(
        "Waiting: the SMS budget of this month is used up (%(budget)s). Bulk SMS go on next month, or when it is "
        "raised or released."),
    'expired': _lt("The SMS was not sent in time and has expired. Nothing was sent. Retry to send it anyway."),
    'premium_number': _lt(
        "Held back: a premium-rate or satellite number. Nothing was sent. An administrator can allow them in the "
        "settings."),
    'country_of_company': _lt(
        "Held back: the company does not send to this country (%(country)s). Nothing was sent."),
    'country_of_gateways': _lt("Held back: no gateway may send to this country (%(country)s). Nothing was sent."),
    'flood_text': _lt(
        "Held back: this number got the same text %(limit)s times within an hour. Nothing was sent. Retry to send it "
        "anyway."),
    'flood_number': _lt(
        "Held back: this number got %(limit)s SMS within an hour. Nothing was sent. Retry to send it anyway."),
    'flood_country': _lt(
        "Held back: %(limit)s SMS were sent to this country (%(country)s) today. Nothing was sent. Retry to send it "
        "anyway."),
    'interrupted': _lt("Sending was interrupted."),
    'no_gateway': _lt("No SMS gateway is active for this company. Nothing was sent."),
    'no_time_left': _lt("The time limit was reached. Nothing was sent. Send the SMS again."),
    'request_failed': _lt("The gateway cannot build the request. Nothing was sent."),
    'path_value_dots': _lt(
        "A value in the path of the Base URL is \".\" or \"..\", which would change the address. Nothing was sent."),
    'path_value_empty': _lt(
        "A value in the path of the Base URL is empty, which would change the address. Nothing was sent."),
    'dlt_entity_missing': _lt("An SMS to India needs your DLT Entity ID. Nothing was sent."),
    'dlt_template_missing': _lt(
        "An SMS to India needs a DLT Template ID. Send it with an SMS template that has one. Nothing was sent."),
    'message_type_missing': _lt("The gateway has no value for the message type of this SMS. Nothing was sent."),
    'sender_characters': _lt(
        "\"%(sender)s\" contains a character that sender IDs cannot have. Enter letters without accents, digits and "
        "spaces."),
    'sender_digits': _lt("A number has at most %(maximum)s digits. Enter the number as the provider shows it."),
    'sender_too_long': _lt(
        "The Sender ID has %(length)s characters. Enter at most %(maximum)s, or a number."),
    'repeated_key_for_sms': _lt(
        "For this SMS, two keys of an object in the JSON Body Template are the same. Use different placeholders."),

    # Numbers
    'invalid_prefix': _lt(
        "\"%(entry)s\" is not a country prefix. Enter prefixes such as +92, 0092 or 92, separated by commas."),
    'number_has_no_national_form': _lt("The number has no national format because its country code is unknown."),
    'number_of_another_country': _lt(
        "The number is outside the Country Prefixes of the gateway, whose Number Format leaves out the country code. "
        "Nothing was sent."),
    'number_may_be_several': _lt(
        "The number contains a separator and could be read as several numbers. Enter one number only, without commas, "
        "semicolons or line breaks."),
    'number_unreadable': _lt(
        "The number is not valid. Enter it with + and the country code, such as +923001234567."),

    # Quiet hours
    'day_off_unreadable': _lt(
        "\"%(entry)s\" is not a date. Enter dates such as 2026-12-24, or 12-25 for every year, separated by commas."),

    # Base URL
    'no_http_url': _lt("Enter a Base URL that starts with http:// or https://, such as https://api.example.com/sms."),
    'placeholder_in_host': _lt(
        "{%(name)s} is not allowed in the host of the Base URL. Enter the host itself, or one of %(allowed)s."),
    'space_in_url': _lt("The Base URL contains a space or line break. Remove or percent-encode it."),
    'url_without_host': _lt("Enter the host after https:// in the Base URL, such as https://api.example.com."),

    # Parameters and headers
    'auth_without_value': _lt(
        "Enter {api_key}, {token}, {username} or {password} as the value of the parameter \"%(key)s\". Only the "
        "authentication types API Key and Token have a default value."),
    'computed_header': _lt("Remove the header \"%(key)s\": it is set automatically."),
    'invalid_header_name': _lt(
        "%(key)s is not a header name. Use only letters, digits and hyphens, such as X-Api-Key."),
    'line_break_in_header': _lt("Enter the value of the header \"%(key)s\" on one line, without line breaks."),
    'no_message': _lt(
        "The request contains no text. Add a parameter of type Message, or put {message} where the text belongs."),
    'no_recipient': _lt(
        "The request contains no recipient. Add a parameter of type Number, or put {phone} where the number belongs."),
    'parameter_without_key': _lt("Enter a key for each parameter, or remove the empty row."),
    'parameter_without_placeholder': _lt(
        "The parameter \"%(key)s\" of type %(param_type)s needs %(placeholder)s in its value. Enter %(placeholder)s, "
        "or leave the value empty."),
    'repeated_header': _lt("The header \"%(key)s\" appears twice. Remove one of the rows."),
    'repeated_parameter': _lt(
        "Two parameters have the key \"%(key)s\", but a JSON object can contain each key only once. Remove "
        "one of them, or enter a JSON Body Template with a list."),
    'username_with_colon': _lt(
        "A username for HTTP Basic cannot contain a colon. Enter the part before it as Username and the rest as "
        "Password."),

    # JSON Body Template
    'invalid_json': _lt(
        "The JSON body is not valid JSON (line %(line)s: %(error)s). Put texts and placeholders in double "
        "quotes, such as \"{message}\"."),
    'misplaced_each': _lt(
        "\"__each__\" must be the first of exactly two items in a list, and not inside another \"__each__\". Enter "
        "[\"__each__\", {\"to\": \"{phone}\", \"text\": \"{message}\"}]."),
    'repeated_key': _lt(
        "The JSON body contains the key \"%(key)s\" twice in one object. Remove one of them."),
    'too_deep': _lt("The JSON body is nested more than %(levels)s levels deep. Use fewer levels."),
    'unsupported_json': _lt(
        "The JSON body contains a number that JSON does not support, or too many nested levels. Put the "
        "number in double quotes, or use fewer levels."),

    # Several recipients
    'no_separator': _lt("Enter a Recipient Separator, such as a comma."),
    'number_in_separator': _lt(
        "Enter a Recipient Separator without digits or +, such as a comma. Digits and + are parts of numbers."),
    'single_number_in_body': _lt(
        "The JSON Body Template contains a single number, but a request can have several recipients. Use "
        "__phones_list__ or {phones} instead, move the number into [\"__each__\", ...], or turn off Supports Multiple "
        "Recipients."),
    'single_number_in_header': _lt(
        "The header \"%(key)s\" contains a single number, but a request can have several recipients. Use {phones} "
        "instead, or turn off Supports Multiple Recipients."),
    'single_number_in_parameter': _lt(
        "The parameter \"%(key)s\" contains a single number, but a request can have several recipients. Use {phones} "
        "(parameter type Several Numbers) instead, or turn off Supports Multiple Recipients."),
    'single_number_in_url': _lt(
        "The Base URL contains a single number, but a request can have several recipients. Use {phones} instead, or "
        "turn off Supports Multiple Recipients."),
    'too_few_recipients': _lt("Enter 1 or more as Recipients per Request."),

    # Delivery reports
    'foreign_network': _lt("The call comes from an address outside the Provider Networks."),
    'invalid_network': _lt(
        "%(network)s is not a network. Enter addresses and networks separated by commas, such as 192.0.2.7, "
        "198.51.100.0/24."),
    'report_form_without_boundary': _lt("The multipart form of the call has no boundary."),
    'report_lists_differ': _lt("The lists in the call have different lengths."),
    'report_not_json': _lt("The call is not valid JSON."),
    'report_not_xml': _lt("The call is not valid XML."),
    'report_too_large': _lt("The call is too large."),
    'report_too_many_elements': _lt("The XML of the call has too many elements."),
    'report_too_many_fields': _lt("The form of the call has too many fields."),
    'report_too_many_items': _lt("The request contains too many delivery reports."),
    'report_unknown_format': _lt("The call is not a form, JSON or XML."),
    'report_with_doctype': _lt("The XML of the call has a document type, which is not accepted."),
    'report_without_id': _lt("A delivery report has a status, but neither a UUID nor a message ID."),
    'signature_early': _lt("The signed time of the call is in the future. Check the clock of the Odoo server."),
    'signature_expired': _lt("The signed time of the call is too old for the Replay Window."),
    'signature_missing': _lt("The call has no signature."),
    'signature_time_missing': _lt("The call has no signed time in Unix seconds. Check the Timestamp Name."),
    'signature_wrong': _lt("The signature of the call is wrong. Check the Signing Key."),
    'status_in_two_lists': _lt(
        "\"%(value)s\" appears in %(field)s and in %(other_field)s. Enter it in only one of them."),
    'time_not_signed': _lt(
        "\"%(name)s\" is not signed, so anyone could change the time. Add {header:%(name)s} to Signed Content, or "
        "leave Timestamp Name empty."),
    'token_algorithm': _lt("The token of the call has an algorithm that is not accepted."),
    'token_malformed': _lt("The call has no valid token in the Signature Header."),
    'token_too_long': _lt("The token of the call is too long."),
    'token_without_hash': _lt("The token of the call contains no hash of the URL or body. Check Token Contains."),
    'unknown_signature_placeholder': _lt(
        "{%(name)s} is not a known placeholder. Use %(known)s or a header such as {header:X-Timestamp}."),
    'wrong_credentials': _lt("The HTTP Basic credentials of the call are missing or wrong."),
}

# What administrators can do about it. Other users do not see these sentences.
ADVICE = {
    'connect_timeout': _lt("Check the host and port of the Base URL."),
    'dlt_entity_missing': _lt("Enter it in the settings of the company, or on the gateway."),
    'dlt_template_missing': _lt("Enter the ID in the SMS template, or in the SMS itself, and retry."),
    'invalid_host': _lt("Check the Base URL."),
    'invalid_request': _lt("Check the Base URL and the headers."),
    'message_type_missing': _lt("Enter Message Type (Transactional) and (Promotional) on the gateway."),
    'no_gateway': _lt("Activate one: Settings > General Settings > SMS > Manage Gateways."),
    'no_tls': _lt("Check whether the server supports https on this port."),
    'number_of_another_country': _lt("Add a gateway for this country."),
    'proxy_unreachable': _lt("Check the proxy settings of the Odoo server."),
    'redirect': _lt("Enter the address of the redirect as Base URL."),
    'request_failed': _lt("Check the gateway's Request Preview."),
    'unreachable': _lt("Check the host of the Base URL."),
    'waiting_budget': _lt("Settings > SMS > Budgets."),
}


class SmsGatewayProblem(models.AbstractModel):
    """Words the problems found by `tools` and `sending`, which are independent of languages and the ORM."""
    _name = 'sms.gateway.problem'
    _description = "SMS Gateway Problem"

    @api.model
    def _word(self, problem, advice=True):
        """
        :param Problem problem:
        :param bool advice: whether an administrator reads it
        :return: sentences in the language of the environment
        :rtype: str
        """
        sentence = self._word_sentence(problem)
        if advice and problem.code in ADVICE:
            return f'{sentence} {self.env._(ADVICE[problem.code])}'
        return sentence

    @api.model
    def _word_sentence(self, problem):
        sentence = self.env._(SENTENCES[problem.code])
        if not problem.values:
            return sentence
        values = {name: self._word_value(name, value) for name, value in problem.values}
        try:
            return sentence % values
        except (KeyError, TypeError, ValueError):  # a faulty translation must not keep a result from being saved
            sentence = self.with_context(lang=None).env._(SENTENCES[problem.code])
            return sentence % values

    @api.model
    def _word_value(self, name, value):
        if name in ('field', 'other_field'):
            return self.env['sms.gateway']._fields[value]._description_string(self.env)
        if name == 'param_type':
            field = self.env['sms.gateway.parameter']._fields['param_type']
            return dict(field._description_selection(self.env))[value]
        return value

    @api.model
    def _word_result(self, result, advice=True):
        """
        :param SendResult result:
        :param bool advice: whether an administrator reads it
        :return: why the SMS failed: whether it may have been sent, our sentence, and the provider's error message;
            empty if there is nothing to say
        :rtype: str
        """
        sentence = self._word(result.problem, advice) if result.problem else ''
        reason = ' '.join(filter(None, (sentence, result.error_message)))
        if result.doubtful:
            reason = self.env._("Outcome unknown: the recipient may have received this SMS. %s", reason)
        return reason.strip()
