# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class SmsGatewayDefault(models.AbstractModel):
    """The Default Gateways: one for all companies, and one per company, which takes precedence."""
    _name = 'sms.gateway.default'
    _description = "Default SMS Gateway"

    default_badge = fields.Char(
        "Default", compute='_compute_default_badge', help="Numbers that match no gateway's prefixes use this gateway.")

    is_default = fields.Boolean(
        compute='_compute_is_default', help="It is the Default Gateway of its company, or of all if it has no company.")

    # === COMPUTE METHODS === #

    @api.depends('company_id')
    def _compute_is_default(self):
        shared_id = self._get_default_gateway_id()
        for gateway in self:
            company = gateway.company_id.sudo()
            gateway.is_default = gateway._origin.id and gateway._origin.id == (
                company.sms_gateway_id.id if company else shared_id)

    @api.depends_context('lang', 'uid')
    def _compute_default_badge(self):
        shared_id = self._get_default_gateway_id()
        owners = self._get_companies_by_default()
        for gateway in self:
            companies = owners.get(gateway._origin.id, self.env['res.company'])
            if gateway._origin.id == shared_id != 0:
                gateway.default_badge = self.env._("Default")
            else:
                gateway.default_badge = gateway._word_default_badge(companies) if companies else False

    def _word_default_badge(self, companies):
        own = companies & self.env.user.company_ids
        if not own:
            return self.env._("Default for another company")
        if not self.env.user.has_group('base.group_multi_company'):
            return self.env._("Default")
        return self.env._("Default for %s", ', '.join(own.mapped('name')))

    # === CONSTRAINT METHODS === #

    @api.constrains('company_id')
    def _check_default_company(self):
        owners = self._get_companies_by_default()
        for gateway in self.filtered('company_id'):
            if others := owners.get(gateway.id, gateway.company_id) - gateway.company_id:
                raise ValidationError(self.env._(
                    "%(gateway)s is the Default Gateway of %(company)s. Select another one in the settings of that "
                    "company first.", gateway=gateway.name, company=', '.join(others.mapped('name'))))

    # === ACTION METHODS === #

    def action_make_default(self):
        """Make this the Default Gateway of its company, or of all companies if it has none."""
        self.ensure_one()
        self.check_access('write')
        if self.state != 'active' or not self.active:
            raise UserError(self.env._("%s is not Active. Activate it first.", self.name))
        if self.company_id:
            self.company_id.sudo().sms_gateway_id = self
        else:
            self.env['ir.config_parameter'].sudo().set_param('sms.sms_gateway_id', str(self.id))
        self.invalidate_model(['default_badge', 'is_default'])
        others = self.env.user.company_ids.filtered(
            lambda company: company.sudo().sms_gateway_id not in (self.browse(), self))
        return self._tell_companies(others) if others and not self.company_id else None

    def _tell_companies(self, companies):
        """Return an action that names the companies with a different Default Gateway."""
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'warning',
                'message': self.env._(
                    "These companies still have a Default Gateway of their own: %s.",
                    ', '.join(companies.mapped('name'))),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    # === BUSINESS METHODS === #

    @api.model
    def _get_default_gateway_id(self):
        """Return the id of the Default Gateway of all companies, read as core's settings read it.

        :return: 0 if there is none
        :rtype: int
        """
        return self._get_integer_parameter('sms.sms_gateway_id', 0)

    @api.model
    def _get_default_gateway_ids(self, companies):
        """Return the Default Gateways of each company, in the order in which they are tried.

        :param companies: records of `res.company`
        :return: {company id: (its own, the one of all companies)}, without those that are not set
        :rtype: dict[int, tuple[int, ...]]
        """
        shared_id = self._get_default_gateway_id()
        return {
            company.id: tuple(filter(None, (company.sms_gateway_id.id, shared_id))) for company in companies.sudo()}

    def _get_companies_by_default(self):
        """Return the companies with one of these gateways as their own Default Gateway, regardless of access rights.

        :return: {gateway id: records of `res.company`}
        :rtype: dict
        """
        companies = self.env['res.company'].sudo().search([('sms_gateway_id', 'in', self._origin.ids)])
        return {gateway.id: owners for gateway, owners in companies.grouped('sms_gateway_id').items()}

    @api.model
    def _is_default_readable(self):
        """Return whether the user may read the Default Gateway of all companies; true if there is none.

        :rtype: bool
        """
        default = self.browse(self._get_default_gateway_id()).sudo().exists().sudo(False)
        return default == default._filtered_access('read')
