# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Templates: gateways that come with the addon, and their upgrade (doc/behaviour.md section 8).

An upgrade updates a template until a user changes it. Plain data records cannot do that: with noupdate they are never
updated and are recreated after deletion; without it, an upgrade overwrites the user's changes.
"""
from odoo import Command, api, models

from ..tools.actions import open_form

ADDON = 'eis_sms_apis'
DELETED = f'{ADDON}.deleted_templates'  # a system parameter and its external id
KEPT = {'sequence', 'active'}  # what an upgrade does not change


class SmsGateway(models.Model):
    _inherit = 'sms.gateway'

    # === CRUD METHODS === #

    @api.ondelete(at_uninstall=False)
    def _unlink_leave_mark(self):
        """Remember which templates were deleted, including those that were changed before."""
        names = set(self._get_addon_ids().mapped('name'))
        if not names:
            return
        # with an external id, uninstalling removes the parameter, and a new installation has all templates again
        self.env['ir.config_parameter'].sudo()._load_records([{
            'xml_id': DELETED,
            'values': {'key': DELETED, 'value': ','.join(sorted(names | self._get_deleted_templates()))},
            'noupdate': True,
        }])

    # === ACTION METHODS === #

    def action_open_templates(self):
        return self.env['ir.actions.act_window']._for_xml_id('eis_sms_apis.sms_gateway_template_action')

    def action_use_template(self):
        """Duplicate a template, under the same name if no other gateway has it, and open the copy."""
        self.ensure_one()
        taken = self.with_context(active_test=False).search_count(
            [('name', '=', self.name), ('is_template', '=', False)], limit=1)
        gateway = self.copy({} if taken else {'name': self.name})
        return open_form(gateway)

    # === BUSINESS METHODS === #

    def _make_own(self):
        """Turn templates into gateways of the user, which no upgrade changes or removes."""
        templates = self.sudo().filtered('is_template')
        if templates and not self._is_loading_templates():
            templates._get_addon_ids().noupdate = True
            templates.write({'is_template': False})

    @api.model
    def _is_loading_templates(self):
        """Return whether the data files of this addon are being loaded, which alone may change a template."""
        return self.env.context.get('install_mode') and self.env.context.get('install_module') == ADDON

    def _get_addon_ids(self):
        """Return the external ids that this addon gave these gateways."""
        return self.env['ir.model.data'].sudo().search(
            [('module', '=', ADDON), ('model', '=', self._name), ('res_id', 'in', self.ids)])

    @api.model
    def _get_deleted_templates(self):
        """Return the names of the external ids of deleted templates, without module.

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
        """Return whether a template is new or unchanged. An existing gateway that is not marked as a template was
        changed by the user, or belongs to another product with the technical name of this addon."""
        gateway = self.env.ref(xml_id, raise_if_not_found=False)
        if not gateway:
            return xml_id.partition('.')[2] not in self._get_deleted_templates()
        if not gateway.is_template:
            gateway._get_addon_ids().noupdate = True
        return gateway.is_template

    def _load_records_write(self, values):
        """Reset fields that the template's file no longer contains to their default, as in a new installation."""
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
        """Give each gateway of another product with this technical name its own callback token; core would give all of
        them the same one."""
        if column_name != 'delivery_callback_token':
            super()._init_column(column_name)
            return
        self.env.cr.execute("SELECT id FROM sms_gateway WHERE delivery_callback_token IS NULL")
        for (gateway_id,) in self.env.cr.fetchall():
            token = self._fields[column_name].default(self)
            self.env.cr.execute(
                "UPDATE sms_gateway SET delivery_callback_token = %s WHERE id = %s", [token, gateway_id])
