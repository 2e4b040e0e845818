# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError


class SmsGatewayInboundAssign(models.TransientModel):
    """Assigns inbound SMS of one number to a contact or document."""
    _name = 'sms.gateway.inbound.assign'
    _description = "Assign SMS"

    inbound_ids = fields.Many2many('sms.gateway.inbound', string="SMS", readonly=True)
    number = fields.Char("Sender", readonly=True)
    partner_id = fields.Many2one(
        'res.partner', "Contact", required=True, ondelete='cascade',
        help="Select who wrote the SMS, or create a contact. A contact without phone number gets the sender's number.")
    document = fields.Reference(
        '_get_document_models', "Document", help="Leave empty to show the SMS on the contact.")

    @api.model
    def _get_document_models(self):
        """Return the models with a chatter that the user may read."""
        names = [
            name for name in self.env if self.env['sms.gateway.inbound']._has_chatter(name)
            and not self.env[name]._abstract and not self.env[name]._transient and self.env[name].has_access('read')]
        models = self.env['ir.model'].sudo().search([('model', 'in', names)])
        return sorted(((model.model, model.name) for model in models), key=lambda pair: pair[1])

    def action_assign(self):
        """Post the SMS in the chatter of the document, and those without one that have the same sender.

        :raise UserError: the SMS belong to another company
        """
        self.ensure_one()
        # without sudo, the field does not contain those that the user may not read
        inbound = self._get_assignable(self.env['sms.gateway.inbound'].browse(self.sudo().inbound_ids.ids))
        partner, record = self.partner_id, self.document or self.partner_id
        partner.check_access('read')
        record.check_access(record._mail_post_access)
        if not all(message._is_of_company(one) for message in inbound for one in (partner, record)):
            raise UserError(self.env._("The SMS was sent to another company. Select one of its contacts or documents."))
        if not partner.phone:
            partner.phone = self.number
        for message in inbound.sudo().sorted('id'):
            message._assign(record, partner.sudo())
        inbound.sudo().is_read = True
        return {'type': 'ir.actions.act_window_close'}

    @api.model
    def _get_assignable(self, selected):
        """Return the selected SMS and all others of their sender that are unassigned and that the user may read.

        :param selected: records of `sms.gateway.inbound`
        :raise UserError: there are none, or they have several senders
        """
        selected.check_access('read')
        numbers = set(selected.mapped('number'))
        if len(numbers) > 1:
            raise UserError(self.env._("These SMS have different senders. Assign the SMS of one sender at a time."))
        inbound = self.env['sms.gateway.inbound'].search(
            [('number', 'in', list(numbers)), ('state', 'in', ('new', 'unassigned'))])
        if not inbound:
            raise UserError(self.env._("These SMS are assigned already."))
        return inbound
