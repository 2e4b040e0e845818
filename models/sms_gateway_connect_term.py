# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models
from odoo.tools.translate import LazyTranslate

_lt = LazyTranslate(__name__)

# Labels and help texts in the templates' `connect_fields`, for translators: terms inside JSON are not exported.
TERMS = (
    # labels
    _lt("Access Key"),
    _lt("Account ID"),
    _lt("Account Reference"),
    _lt("Account SID"),
    _lt("API Authorization Key"),
    _lt("API Key"),
    _lt("API Key (v2)"),
    _lt("API Password"),
    _lt("API Secret"),
    _lt("API Token"),
    _lt("API Username"),
    _lt("Application ID"),
    _lt("Application Username"),
    _lt("AppSid"),
    _lt("Auth ID"),
    _lt("Auth Token"),
    _lt("Authkey"),
    _lt("Base URL"),
    _lt("Bearer Token"),
    _lt("Email"),
    _lt("From"),
    _lt("Messaging Profile ID"),
    _lt("OAuth Token"),
    _lt("Originator"),
    _lt("Password"),
    _lt("Product Token"),
    _lt("Region"),
    _lt("Sender"),
    _lt("Sender (Mask)"),
    _lt("Sender ID"),
    _lt("Sender Name"),
    _lt("Sender Number"),
    _lt("Server"),
    _lt("Service Plan ID"),
    _lt("SID"),
    _lt("Source"),
    _lt("Source Address"),
    _lt("Source Number"),
    _lt("Token ID"),
    _lt("Token Secret"),
    _lt("Username"),
    # help
    _lt("1 to 11 letters, digits and spaces, or a short code."),
    _lt("3 to 11 characters, registered with Termii."),
    _lt("3 to 11 letters and digits starting with a letter, or a number with +."),
    _lt("8 characters."),
    _lt("A live access key."),
    _lt("A mask registered with the PTA, at most 11 characters."),
    _lt("A number of the account without +, or a name where the country allows it."),
    _lt("A number of the account, or a name where the country allows it."),
    _lt("A number of the account, with +, or a name of 2 to 11 letters and digits."),
    _lt("A number of the account, with +, or a name where the country allows it."),
    _lt("A number of the application, with +."),
    _lt("A number of the service plan, or a name where the country allows it."),
    _lt("A number or an approved name. Leave it empty for a shared number."),
    _lt("A number or name that your account may use."),
    _lt("A number."),
    _lt("A registered name or short code. Leave it empty for the shared sender."),
    _lt("A sender name activated for the account."),
    _lt("A sender name approved by Msegat."),
    _lt("A sender name approved by TurboSMS."),
    _lt("A two-way number of the integration. Leave it empty for the default."),
    _lt("AC followed by 32 hexadecimal digits, 34 characters in all."),
    _lt("An active sender name. Leave it empty for the default."),
    _lt("An approved sender name. Leave it empty for the default."),
    _lt("api.smsapi.com, api.smsapi.pl or api.smsapi.bg, as your account."),
    _lt("At most 16 characters."),
    _lt("Client ID and secret separated by a colon."),
    _lt("EX followed by digits."),
    _lt("gatewayapi.com, or gatewayapi.eu for the European platform."),
    _lt("Host and port of your Jasmin server."),
    _lt("Host and sendsms-port of your smsbox."),
    _lt("In India, six letters."),
    _lt("It needs the scope for sending SMS."),
    _lt("Leave it empty for the default."),
    _lt("Leave it empty if the connector has a default."),
    _lt("Leave it empty if the user has a default-sender."),
    _lt("MA or SA followed by 18 letters and digits."),
    _lt("Of a sendsms-user group."),
    _lt("Of an application."),
    _lt("Older accounts have their own server."),
    _lt("Only some operators show it."),
    _lt("Required if the sender is a name."),
    _lt("Shown in the app."),
    _lt("Starts with the region of the service plan: us, eu, au, br or ca."),
    _lt("Starts with u."),
    _lt("The API key of a channel."),
    _lt("The base URL of your account, shown in the dashboard."),
    _lt("The cloud server, or the URL of a private server or of the phone: http://192.168.1.20:8080/messages"),
    _lt("The email address of the Esendex user."),
    _lt("The email address of the LabsMobile account."),
    _lt("The host of your account, such as xxxxx.api.infobip.com, from the home page of the portal."),
    _lt("The ID of the messaging application."),
    _lt("The key of a One API integration for SMS."),
    _lt("The stakeholder ID or masking name, exactly as assigned."),
    _lt("Up to 11 letters and digits, or a number."),
    _lt("Up to 11 letters and digits, or up to 15 digits."),
    _lt("Up to 11 letters and digits, or up to 18 digits."),
    _lt("With its hyphens."),
    _lt("With the permission to send SMS."),
)


class SmsGatewayConnectTerm(models.AbstractModel):
    """Translates the labels and help texts that *Connect* shows."""
    _name = 'sms.gateway.connect.term'
    _description = "SMS Gateway Connection Term"

    @api.model
    def _word(self, text):
        """Return a label or help text in the language of the environment; unchanged if it is not in `TERMS`.

        :rtype: str
        """
        return self.env._(text) if text else ''
