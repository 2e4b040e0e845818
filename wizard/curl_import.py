# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..tools.actions import open_form
from ..tools.request.curl_import import CurlError, import_curl


class SmsGatewayCurl(models.TransientModel):
    """Creates a New gateway from a cURL command of a provider's documentation.

    The values of the request are shown as lines with their meaning. Lines contain no credentials: the command is parsed
    again when the gateway is created, and then deleted.
    """
    _name = 'sms.gateway.curl'
    _description = "Import cURL Command"

    gateway_id = fields.Many2one(
        'sms.gateway', "Gateway", readonly=True, ondelete='cascade', default=lambda self: self._default_gateway(),
        help="The New gateway to which the request is added.")
    state = fields.Selection([('paste', "Paste"), ('review', "Review")], required=True, default='paste')
    command = fields.Text(
        "cURL Command", help="Paste the command as the provider documents it, for bash, Windows or PowerShell.")
    name = fields.Char("Gateway Name", default=lambda self: self._default_gateway().name)
    number_format = fields.Selection(
        lambda self: self.env['sms.gateway']._fields['number_format']._description_selection(self.env),
        "Number Format", help="Format in which the provider expects phone numbers. Check the provider's documentation.")
    is_number_format_sure = fields.Boolean(readonly=True)
    line_ids = fields.One2many('sms.gateway.curl.line', 'curl_id', "Values")
    question_count = fields.Integer(compute='_compute_question_count')
    warnings = fields.Text(readonly=True)
    notes = fields.Text(readonly=True)

    # === DEFAULTS === #

    def _default_gateway(self):
        """Return the gateway from whose form the wizard was opened, if it has no request yet."""
        gateways = self.env['sms.gateway']
        if self.env.context.get('active_model') != 'sms.gateway':
            return gateways
        return gateways.browse(self.env.context.get('active_id')).exists().filtered(
            lambda gateway: gateway.state == 'new' and not gateway.base_url and not gateway.is_template)

    # === COMPUTE METHODS === #

    @api.depends('line_ids.is_sure')
    def _compute_question_count(self):
        for wizard in self:
            wizard.question_count = len(wizard.line_ids.filtered(lambda line: not line.is_sure))

    # === ACTION METHODS === #

    def action_read(self):
        """Show the values of the command with their meaning."""
        self.ensure_one()
        imported = self._import()
        self.write({
            'state': 'review',
            'name': self.name or imported.provider or self.env._("Imported Gateway"),
            'number_format': imported.number_format,
            'is_number_format_sure': imported.number_format_sure,
            'warnings': '\n'.join(self._get_warnings(imported)),
            'notes': '\n'.join(self._get_notes(imported)),
            'line_ids': [Command.clear(), *(
                Command.create(self._get_line_values(part, imported.parts.index(part))) for part in imported.rows)],
        })
        return self._reopen()

    def action_back(self):
        self.ensure_one()
        self.state = 'paste'
        return self._reopen()

    def action_create_gateway(self):
        """Create the gateway and open it."""
        self.ensure_one()
        values = self._get_gateway_values()
        gateway = self.gateway_id
        if gateway:
            gateway.write({**values, 'parameter_ids': [Command.clear(), *values['parameter_ids']],
                           'header_ids': [Command.clear(), *values['header_ids']]})
        else:
            gateway = self.env['sms.gateway'].create(values)
        self.write({'command': False, 'line_ids': [Command.clear()]})
        return open_form(gateway, target='current')

    def _reopen(self):
        return open_form(
            self, name=self.env._("Import cURL Command"), target='new', context={'dialog_size': 'extra-large'})

    # === BUSINESS METHODS === #

    def _import(self):
        """
        :rtype: CurlImport
        :raise UserError: if the command cannot be imported
        """
        try:
            return import_curl(self.command or '')
        except CurlError as error:
            # the command may contain secrets, which the cause would reveal in a log
            raise UserError(self._explain_error(error)) from None

    def _get_line_values(self, part, index):
        return {
            'part': index,
            'place': part.place,
            'name': part.name,
            'sample': part.shown_sample,
            'meaning': part.meaning,
            'value': part.shown_value,
            'is_sure': part.sure,
            'is_locked': part.is_locked,
        }

    def _get_gateway_values(self):
        """Return the values of a gateway with the request of the command and the meanings of the lines."""
        imported = self._import()
        parts = list(imported.parts)
        for line in self.line_ids:
            if not 0 <= line.part < len(parts) or parts[line.part].name != line.name:
                raise UserError(self.env._("The command was changed. Click Back, then Next, to read it again."))
            parts[line.part] = line._apply(parts[line.part])
        config = imported.with_parts(parts).config()
        return {
            'name': self.name,
            'state': 'new',
            'base_url': config.url,
            'method': config.method,
            'request_type': config.request_type,
            'number_format': self.number_format,
            'supports_multiple_recipients': config.multiple_recipients,
            'multi_recipient_separator': config.separator,
            'body_template': config.body_template,
            'auth_type': config.auth_type,
            'sender': config.sender,
            'account_id': config.account_id,
            **{name: getattr(config.credentials, name) for name in ('api_key', 'token', 'username', 'password')},
            'parameter_ids': [
                Command.create({'sequence': index, 'key': row.key, 'value': row.value, 'param_type': row.type})
                for index, row in enumerate(config.parameters, 1)],
            'header_ids': [
                Command.create({'sequence': index, 'key': key, 'value': value})
                for index, (key, value) in enumerate(config.headers, 1)],
        }

    # === TEXTS === #

    def _explain_error(self, error):
        """
        :param CurlError error: why a command cannot be imported
        :rtype: str
        """
        return {
            'no_curl': self.env._("Paste a command that starts with curl."),
            'not_curl': self.env._(
                "This is not a curl command. Select cURL in the provider's documentation and copy it again."),
            'too_long': self.env._("The command is longer than %(limit)s characters. Paste a single command."),
            'unreadable': self.env._("The command contains characters that cannot be read. Copy it again."),
            'unclosed_quote': self.env._(
                "A quote is not closed (line %(line)s of the command). Copy the whole command again."),
            'unclosed_document': self.env._(
                "The here-document has no end: add a line that contains only %(delimiter)s."),
            'no_url': self.env._("The command has no URL. Copy the whole command again."),
            'scheme': self.env._("URLs that start with %(scheme)s:// are not supported, only http:// and https://."),
            'method': self.env._(
                "A gateway sends GET or POST, but the command sends %(method)s. Look for a GET or POST request in "
                "the provider's documentation."),
            'file': self.env._(
                "The command reads the file %(name)s. Replace it in the command with the file's content."),
            'client_certificate': self.env._(
                "The provider requires a client certificate (%(name)s), which a gateway cannot send."),
            'signed': self.env._(
                "The provider requires a signature that is computed for each request (%(name)s), which a gateway "
                "cannot compute. Look for an API that requires a key or password."),
            'socket': self.env._("The command connects to a local socket (%(name)s). Enter a URL instead."),
            'two_bodies': self.env._("The command sends both form fields and data. Remove one of them."),
            'get_with_body': self.env._(
                "The command sends a JSON body with GET. Look for a POST request in the provider's documentation."),
            'body_type': self.env._(
                "The body is %(type)s. A gateway sends form data or JSON: look for such an API in the provider's "
                "documentation."),
            'body_variable': self.env._(
                "The body is the variable %(name)s. Replace it in the command with its content."),
            'form_field': self.env._("A form field has no value. Enter it as name=value."),
            'json': self.env._("The body is not valid JSON (%(reason)s). Correct it in the command."),
        }[error.code] % error.values

    def _get_warnings(self, imported):
        """Return what is still needed before the gateway can send.

        :param CurlImport imported: the command
        :rtype: list[str]
        """
        texts = []
        if 'phone' in imported.missing:
            texts.append(self.env._("No recipient found. Select the Meaning Recipient Number for one of the values."))
        if 'message' in imported.missing:
            texts.append(self.env._("No message found. Select the Meaning Message for one of the values."))
        if not imported.number_format_sure:
            texts.append(self.env._("The command does not show the number format. Check Number Format."))
        return texts

    def _get_notes(self, imported):
        """Return what of the command is not sent, or is sent differently.

        :rtype: list[str]
        """
        values = {}
        for note in imported.notes:
            for name, value in (note.values or {'': ''}).items():
                values.setdefault(note.code, {}).setdefault(name, []).append(value)
        sentences = self._get_note_sentences()
        texts = [
            sentences[code] % {name: ', '.join(found) for name, found in by_name.items()}
            for code, by_name in values.items()]
        if imported.config().multiple_recipients:
            texts.append(self.env._(
                "The command has several recipients, so Supports Multiple Recipients is turned on."))
        return texts

    def _get_note_sentences(self):
        return {
            'before': self.env._("Ignored text before the command: %(text)s"),
            'after': self.env._("Ignored text after the command: %(text)s"),
            'next': self.env._("Only the first request of the command is imported."),
            'unknown_option': self.env._("Unknown options are ignored: %(option)s"),
            'leftover': self.env._("Ignored: %(text)s"),
            'insecure': self.env._("The provider's certificate is always verified (-k is ignored)."),
            'proxy': self.env._("The proxy is ignored. Odoo uses the proxy of its environment."),
            'user_agent': self.env._("The user agent is not sent."),
            'referer': self.env._("The referer is not sent."),
            'cookie': self.env._("Cookies are not sent. If they authenticate the request, look for an API key."),
            'dropped_header': self.env._("Headers that are not sent: %(name)s"),
            'repeated_header': self.env._("Only the last of several headers with the same name is sent: %(name)s"),
            'scheme': self.env._("https:// was added to the URL: %(url)s"),
            'multipart': self.env._(
                "The command sends multipart form data. The gateway sends the same fields URL-encoded."),
            'get_with_body': self.env._("The command sends data with GET. The gateway sends it in the query string."),
            'json_assumed': self.env._("The body is JSON, so the gateway sends it as application/json."),
            'json_not_said': self.env._(
                "The body is JSON, but its Content-Type is %(type)s. The gateway sends this header."),
            'body_not_json': self.env._("The Content-Type is JSON, but the body is form data. Check Request Type."),
            'json_repaired': self.env._(
                "The JSON body had errors, such as trailing commas, which were corrected. Check it."),
            'schedule': self.env._("Scheduled times are left out, so SMS are sent immediately: %(name)s"),
            'one_recipient': self.env._(
                "Further recipients are left out, because the gateway sends one per request: %(name)s"),
            'number_as_text': self.env._("JSON numbers that are sent as text: %(names)s"),
            'placeholder_in_name': self.env._(
                "Placeholders in names are not replaced. Check these names: %(name)s"),
            'callback': self.env._("The Callback URL is sent only if Delivery Callback Enabled is on."),
        }


class SmsGatewayCurlLine(models.TransientModel):
    """A value of the pasted request and its meaning."""
    _name = 'sms.gateway.curl.line'
    _description = "Value of a cURL Command"
    _order = 'id'

    curl_id = fields.Many2one('sms.gateway.curl', required=True, ondelete='cascade', index=True)
    part = fields.Integer(readonly=True, help="Position among the values of the command.")
    place = fields.Selection(
        [
            ('user', "HTTP Basic"),
            ('host', "Host"),
            ('path', "Path"),
            ('query', "Query String"),
            ('form', "Form Data"),
            ('json', "JSON Body"),
            ('header', "Header"),
        ],
        "Location", readonly=True)
    name = fields.Char("Name", readonly=True)
    sample = fields.Char("Value in the Command", readonly=True)
    meaning = fields.Selection(
        [
            ('phone', "Recipient Number"),
            ('message', "Message"),
            ('sender', "Sender ID"),
            ('api_key', "API Key"),
            ('token', "Token"),
            ('username', "Username"),
            ('password', "Password"),
            ('account_id', "Account ID"),
            ('uuid', "SMS UUID"),
            ('callback_url', "Callback URL"),
            ('fixed', "Fixed Value"),
            ('removed', "Left Out"),
        ],
        "Meaning", required=True, default='fixed',
        help="Select what the value contains. A fixed value is sent unchanged with every SMS.")
    value = fields.Char("Fixed Value", help="Enter the value to send with every SMS.")
    is_sure = fields.Boolean("Recognized", readonly=True)
    is_locked = fields.Boolean(readonly=True)

    @api.onchange('meaning', 'value')
    def _onchange_meaning(self):
        """Mark a line as recognized once the user has changed it."""
        for line in self:
            if line._origin and (line.meaning != line._origin.meaning or line.value != line._origin.value):
                line.is_sure = True

    def _apply(self, part):
        """
        :param Part part: the value in the command
        :return: the part with the meaning of this line
        :rtype: Part
        """
        if self.is_locked:
            return part
        value = part.value if (self.value or '') == part.shown_value else self.value or ''
        return replace(part, meaning=self.meaning, value=value)
