# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a value of a request can mean to a gateway."""

# Placeholders of the gateway.
NUMBER, MESSAGE, SENDER, UUID, CALLBACK = 'phone', 'message', 'sender', 'uuid', 'callback_url'
API_KEY, TOKEN, USERNAME, PASSWORD, ACCOUNT = 'api_key', 'token', 'username', 'password', 'account_id'
# It is sent as it is, or not at all.
FIXED, REMOVED = 'fixed', 'removed'

SECRETS = (API_KEY, TOKEN, USERNAME, PASSWORD)
MEANINGS = (NUMBER, MESSAGE, SENDER, *SECRETS, ACCOUNT, UUID, CALLBACK, FIXED, REMOVED)
