# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models


class SmsGatewayRoute(models.TransientModel):
    """Shows which gateway a number is routed to, why, and which gateways are tried next."""
    _name = 'sms.gateway.route'
    _description = "Which Gateway?"
    _rec_name = 'number'

    number = fields.Char("Number", default=lambda self: self.env.user.phone)
    company_id = fields.Many2one(
        'res.company', "Company", required=True, default=lambda self: self.env.company,
        help="The company that sends the SMS.")
    read_as = fields.Char("Interpreted As", compute='_compute_route')
    gateway_id = fields.Many2one('sms.gateway', "Gateway", compute='_compute_route')
    reason = fields.Char("Reason", compute='_compute_route')
    next_ids = fields.Many2many('sms.gateway', string="Failover Gateways", compute='_compute_route')

    @api.depends('number', 'company_id')
    def _compute_route(self):
        gateways = self.env['sms.gateway']
        for tool in self:
            route = tool._get_route()
            tool.read_as = route['number'] or (
                route['gateway'] and self.env._("This number is not valid, so no prefix matches."))
            tool.gateway_id = route['gateway'] and route['gateway'][0]
            tool.reason = route['reason']
            tool.next_ids = gateways.browse([gateway_id for gateway_id, _name in route['next']])

    def _get_route(self):
        """
        :return: see `sms.gateway.explain_route`
        :rtype: dict
        """
        if not self.number or not self.company_id:
            return {'gateway': False, 'number': False, 'reason': False, 'next': []}
        other = self.company_id._get_other_sms_provider()
        if other:
            return {'gateway': False, 'number': self.number, 'next': [], 'reason': self.env._(
                "No gateway: %(company)s sends through %(provider)s.", company=self.company_id.name, provider=other)}
        if self.company_id not in self.env.companies:
            return {'gateway': False, 'number': False, 'next': [], 'reason': self.env._(
                "Select %s in the company switcher to see its gateways.", self.company_id.name)}
        return self.env['sms.gateway'].explain_route(self.number, self.company_id.id)
