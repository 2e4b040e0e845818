# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models

INBOX = 'eis_sms_apis.sms_menu_inbox'


class IrUiMenu(models.Model):
    _inherit = 'ir.ui.menu'

    def _load_menus_blacklist(self):
        """Show the SMS inbox only to users who are responsible for a gateway."""
        hidden = super()._load_menus_blacklist()
        is_responsible = self.env['sms.gateway'].sudo().search_count(
            [('inbound_user_id', '=', self.env.uid)], limit=1)
        menu = self.env.ref(INBOX, raise_if_not_found=False)
        return hidden if is_responsible or not menu else [*hidden, menu.id]
