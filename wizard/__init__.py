# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from . import export_gateways, import_gateways, sms_retry, test_sms, which_gateway
