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
        _ = self.env._
        return {
            'no_curl': _("Paste a command that starts with curl."),
            'not_curl': _("This is not a curl command. Select cURL in the provider's documentation and copy it again."),
            'too_long': _("The command is longer than %(limit)s characters. Paste a single command."),
            'unreadable': _("The command contains characters that cannot be read. Copy it again."),
            'unclosed_quote': _("A quote is not closed (line %(line)s of the command). Copy the whole command again."),
            'unclosed_document': _("The here-document has no end: add a line that contains only %(delimiter)s."),
            'no_url': _("The command has no URL. Copy the whole command again."),
            'scheme': _("URLs that start with %(scheme)s:// are not supported, only http:// and https://."),
            'method': _("A gateway sends GET or POST, but the command sends %(method)s. Look for another method in the "
                        "provider's documentation."),
            'file': _("The command reads the file %(name)s. Replace it in the command with the file's content."),
            'client_certificate': _("The provider requires a client certificate (%(name)s), which a gateway cannot "
                                    "send."),
            'signed': _("The provider requires a signature that is computed for each request (%(name)s), which a "
                        "gateway cannot do. Look for an API with a key or password."),
            'socket': _("The command connects to a local socket (%(name)s). Enter a URL instead."),
            'two_bodies': _("The command sends both form fields and data. Remove one of them."),
            'get_with_body': _("The command sends a JSON body with GET. Look for a POST request in the provider's "
                               "documentation."),
            'body_type': _("The body is %(type)s. A gateway sends form data or JSON: look for such an API in the "
                           "provider's documentation."),
            'body_variable': _("The body is the variable %(name)s. Replace it in the command with its content."),
            'form_field': _("A form field has no value. Enter it as name=value."),
            'json': _("The body is not valid JSON (%(reason)s). Correct it in the command."),
        }[error.code] % error.values

    def _get_warnings(self, imported):
        """What has to be done before the gateway can send.

        :param CurlImport imported: the command
        :rtype: list[str]
        """
        _ = self.env._
        texts = []
        if 'phone' in imported.missing:
            texts.append(_("No recipient found. Select Recipient Number for the value that is the number."))
        if 'message' in imported.missing:
            texts.append(_("No message found. Select Message for the value that is the text of the SMS."))
        if not imported.number_format_sure:
            texts.append(_("The command does not show the number format. Check Number Format."))
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
            texts.append(self.env._("The command has several recipients, so Supports Multiple Recipients is turned on."))
        return texts

    def _get_note_sentences(self):
        _ = self.env._
        return {
            'before': _("Ignored text before the command: %(text)s"),
            'after': _("Ignored text after the command: %(text)s"),
            'next': _("Only the first request of the command is imported."),
            'unknown_option': _("Unknown options are ignored: %(option)s"),
            'leftover': _("Ignored: %(text)s"),
            'insecure': _("The provider's certificate is always verified (-k is ignored)."),
            'proxy': _("The proxy is ignored. Odoo uses the proxy of its environment."),
            'user_agent': _("The user agent is not sent."),
            'referer': _("The referer is not sent."),
            'cookie': _("Cookies are not sent. If they authenticate the request, look for an API key."),
            'dropped_header': _("Headers that are not sent: %(name)s"),
            'repeated_header': _("Only the last of several headers with the same name is sent: %(name)s"),
            'scheme': _("The URL has no https:// in front, so it is added: %(url)s"),
            'multipart': _("The command sends multipart form data. The gateway sends the same fields URL-encoded."),
            'get_with_body': _("The command sends data with GET. The gateway sends it in the query string."),
            'json_assumed': _("The body is JSON, so the gateway sends it as application/json."),
            'json_not_said': _("The body is JSON, but the command calls it %(type)s. The gateway sends this header."),
            'body_not_json': _("The Content-Type is JSON, but the body is form data. Check Request Type."),
            'json_repaired': _("The JSON body had errors, such as trailing commas, which were corrected. Check it."),
            'schedule': _("The time of sending is left out, so that SMS are sent immediately: %(name)s"),
            'one_recipient': _("Further recipients are left out, because the gateway sends one per request: %(name)s"),
            'number_as_text': _("Numbers in the command, but text in the gateway's JSON: %(names)s"),
            'callback': _("The Callback URL is sent only if delivery reports are enabled on the gateway."),
        }
