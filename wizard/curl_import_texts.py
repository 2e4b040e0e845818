# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class SmsGatewayCurl(models.TransientModel):
    """What the import says, worded."""
    _inherit = 'sms.gateway.curl'

    def _explain_error(self, error):
        """
        :param CurlError error: why a command cannot become a gateway
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
                "A gateway sends GET or POST, but the command sends %(method)s. Look for another method in the "
                "provider's documentation."),
            'file': self.env._(
                "The command reads the file %(name)s. Replace it in the command with the file's content."),
            'client_certificate': self.env._(
                "The provider requires a client certificate (%(name)s), which a gateway cannot send."),
            'signed': self.env._(
                "The provider requires a signature that is computed for each request (%(name)s), which a gateway "
                "cannot do. Look for an API with a key or password."),
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
        """What has to be done before the gateway can send.

        :param CurlImport imported: the command
        :rtype: list[str]
        """
        texts = []
        if 'phone' in imported.missing:
            texts.append(self.env._("No recipient found. Select Recipient Number for the value that is the number."))
        if 'message' in imported.missing:
            texts.append(self.env._("No message found. Select Message for the value that is the text of the SMS."))
        if not imported.number_format_sure:
            texts.append(self.env._("The command does not show the number format. Check Number Format."))
        return texts

    def _get_notes(self, imported):
        """What of the command is not sent, or is sent in another way.

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
            'scheme': self.env._("The URL has no https:// in front, so it is added: %(url)s"),
            'multipart': self.env._(
                "The command sends multipart form data. The gateway sends the same fields URL-encoded."),
            'get_with_body': self.env._("The command sends data with GET. The gateway sends it in the query string."),
            'json_assumed': self.env._("The body is JSON, so the gateway sends it as application/json."),
            'json_not_said': self.env._(
                "The body is JSON, but the command calls it %(type)s. The gateway sends this header."),
            'body_not_json': self.env._("The Content-Type is JSON, but the body is form data. Check Request Type."),
            'json_repaired': self.env._(
                "The JSON body had errors, such as trailing commas, which were corrected. Check it."),
            'schedule': self.env._("The time of sending is left out, so that SMS are sent immediately: %(name)s"),
            'one_recipient': self.env._(
                "Further recipients are left out, because the gateway sends one per request: %(name)s"),
            'number_as_text': self.env._("JSON numbers that are sent as text: %(names)s"),
            'placeholder_in_name': self.env._(
                "Names are not filled like values. Check the names that contain a placeholder: %(name)s"),
            'callback': self.env._("The Callback URL is sent only if delivery reports are enabled on the gateway."),
        }
