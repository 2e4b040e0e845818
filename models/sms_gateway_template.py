# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Templates: gateways that come with the addon (SPEC section 8).

An upgrade brings a template up to date as long as nobody touched it. Plain data records cannot do that: with noupdate
they never get a fix and come back after they were deleted; without it an upgrade overwrites what somebody typed.
"""
from odoo import Command, api, models

ADDON = 'eis_sms_apis'
DELETED = f'{ADDON}.deleted_templates'  # system parameter and, below it, its external id
# Dragging one row of a list renumbers the others, and no data file names the priority.
HARMLESS = {'sequence'}
KEPT = {'sequence', 'active'}  # what an upgrade leaves as it is


class SmsGateway(models.Model):
    _inherit = 'sms.gateway'

    # === CRUD METHODS === #

    def write(self, vals):
        self._remember_secrets(vals)
        self._check_ranges(vals)
        result = super().write(vals)
        if 'company_id' in vals:
            # core checks its rules before only, so that a gateway could be pushed into a company of others
            self.check_access('write')
        if set(vals) - HARMLESS:
            self._make_own()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_leave_mark(self):
        """Remember which templates a person deleted, whether they were changed before or not."""
        names = set(self._get_addon_ids().mapped('name'))
        if not names:
            return
        # with an external id of the addon, uninstalling removes the mark, so that a new installation has all again
        self.env['ir.config_parameter'].sudo()._load_records([{
            'xml_id': DELETED,
            'values': {'key': DELETED, 'value': ','.join(sorted(names | self._get_deleted_templates()))},
            'noupdate': True,
        }])

    # === BUSINESS METHODS === #

    def _make_own(self):
        """Make templates the user's own: no upgrade changes or removes them from now on."""
        templates = self.sudo().filtered('is_template')
        if templates and not self._is_loading_templates():
            templates._get_addon_ids().noupdate = True
            templates.write({'is_template': False})

    @api.model
    def _is_loading_templates(self):
        """Whether the data files of this addon are being loaded, the only code that may change a template."""
        return self.env.context.get('install_mode') and self.env.context.get('install_module') == ADDON

    def _get_addon_ids(self):
        """
        :return: the external ids that this addon gave these gateways
        """
        return self.env['ir.model.data'].sudo().search(
            [('module', '=', ADDON), ('model', '=', self._name), ('res_id', 'in', self.ids)])

    @api.model
    def _get_deleted_templates(self):
        """
        :return: the names of their external ids, without module
        :rtype: set[str]
        """
        names = self.env['ir.config_parameter'].sudo().get_param(DELETED) or ''
        return set(names.split(',')) - {''}

    # === BUSINESS METHODS - LOADING === #

    @api.model
    def _load_records(self, data_list, update=False):
        if self._is_loading_templates():
            data_list = [data for data in data_list if self._may_load(data['xml_id'])]
        return super()._load_records(data_list, update)

    @api.model
    def _may_load(self, xml_id):
        """Whether a template is new or untouched. One that is there is a user's own if it is not marked as a template:
        he changed it, or another product with the technical name of this addon brought it."""
        gateway = self.env.ref(xml_id, raise_if_not_found=False)
        if not gateway:
            return xml_id.partition('.')[2] not in self._get_deleted_templates()
        if not gateway.is_template:
            gateway._get_addon_ids().noupdate = True
        return gateway.is_template

    def _load_records_write(self, values):
        """What the file of a template no longer names goes back to its default, as in a new installation."""
        if self._is_loading_templates():
            names = [
                name for name, field in self._fields.items()
                if field.store and field.copy and name not in (*models.MAGIC_COLUMNS, *KEPT)
            ]
            defaults = self.default_get(names)
            values = {name: defaults.get(name, self._get_empty_value(name)) for name in names} | values
        return super()._load_records_write(values)

    @api.model
    def _get_empty_value(self, name):
        return [Command.clear()] if self._fields[name].type == 'one2many' else False

    def _init_column(self, column_name):
        """Gateways of another product with this technical name each get a callback token of their own; core would give
        all the same."""
        if column_name != 'delivery_callback_token':
            super()._init_column(column_name)
            return
        self.env.cr.execute("SELECT id FROM sms_gateway WHERE delivery_callback_token IS NULL")
        for (gateway_id,) in self.env.cr.fetchall():
            token = self._fields[column_name].default(self)
            self.env.cr.execute(
                "UPDATE sms_gateway SET delivery_callback_token = %s WHERE id = %s", [token, gateway_id])


class SmsGatewayRow(models.AbstractModel):
    """A row of a gateway's lists, which has a `gateway_id`: changing it changes the gateway."""
    _name = 'sms.gateway.row'
    _description = "Row of an SMS Gateway"

    @api.model_create_multi
    def create(self, vals_list):
        self._check_gateways(vals_list)
        rows = super().create(vals_list)
        rows.gateway_id._make_own()
        return rows

    def write(self, vals):
        self._check_gateways([vals])
        gateways = self.gateway_id
        result = super().write(vals)
        (gateways | self.gateway_id)._make_own()
        return result

    def unlink(self):
        self.gateway_id._make_own()
        return super().unlink()

    @api.model
    def _check_gateways(self, vals_list):
        """Refuse to put rows into gateways that the user may not change: core checks its rules on what a row was before
        it is written, and after our own checks have told what the other gateway contains.

        :raise AccessError: for the gateway of a company that is not the user's
        """
        gateway_ids = {vals['gateway_id'] for vals in vals_list if vals.get('gateway_id')}
        self.env['sms.gateway'].browse(gateway_ids).check_access('write')


class SmsGatewayParameter(models.Model):
    _name = 'sms.gateway.parameter'
    _inherit = ['sms.gateway.parameter', 'sms.gateway.row']


class SmsGatewayHeader(models.Model):
    _name = 'sms.gateway.header'
    _inherit = ['sms.gateway.header', 'sms.gateway.row']


class SmsGatewayCallbackFailureMap(models.Model):
    _name = 'sms.gateway.callback.failure.map'
    _inherit = ['sms.gateway.callback.failure.map', 'sms.gateway.row']


class IrModelData(models.Model):
    _inherit = 'ir.model.data'

    @api.model
    def _process_end_unlink_record(self, record):
        """At the end of an upgrade Odoo removes what the data files no longer name. Of gateways that is only a template
        that nobody touched: the others are the user's own, or those of another product with this technical name."""
        is_row = isinstance(record, self.pool['sms.gateway.row'])
        gateway = record.gateway_id if is_row else record
        if gateway._name != 'sms.gateway' or (gateway.is_template and not gateway.sms_count):
            return super()._process_end_unlink_record(record)
        self.search([('model', '=', record._name), ('res_id', '=', record.id)]).noupdate = True
        return None
