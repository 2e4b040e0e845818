# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models


class SmsGatewayReplies(models.AbstractModel):
    """The user responsible for a gateway's inbound SMS, and the number of unread ones."""
    _name = 'sms.gateway.replies'
    _description = "SMS Gateway Replies"

    inbound_user_id = fields.Many2one(
        'res.users', "Responsible", domain=[('share', '=', False)], copy=False, ondelete='set null',
        help="Can read the SMS that this gateway received, and assign those without a contact.")
    inbound_unread_count = fields.Integer("Unread SMS", compute='_compute_inbound_unread_count')
    has_inbound = fields.Boolean(compute='_compute_inbound_unread_count')

    # === COMPUTE METHODS === #

    def _compute_inbound_unread_count(self):
        inbound = self.env['sms.gateway.inbound']
        unread = dict(inbound._read_group(
            [('gateway_id', 'in', self.ids), *inbound._get_unread_domain()], ['gateway_id'], ['__count']))
        self.env.cr.execute("""
            SELECT id FROM sms_gateway gateway
            WHERE id = ANY(%s) AND EXISTS (SELECT FROM sms_gateway_inbound WHERE gateway_id = gateway.id)
        """, [self._origin.ids])
        received = {gateway_id for gateway_id, in self.env.cr.fetchall()}
        for gateway in self:
            gateway.inbound_unread_count = unread.get(gateway._origin, 0)
            gateway.has_inbound = gateway._origin.id in received

    # === CRUD METHODS === #

    @api.constrains('inbound_user_id')
    def _show_inbox_menu(self):
        """Clear the cached menus: only responsible users see the SMS inbox."""
        self.env.registry.clear_cache()

    # === ACTION METHODS === #

    def action_view_inbound(self):
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('eis_sms_apis.sms_gateway_inbound_action')
        return dict(action, domain=[('gateway_id', '=', self.id)], context={
            'search_default_unread': bool(self.inbound_unread_count)})
