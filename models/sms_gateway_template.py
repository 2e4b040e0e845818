# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Templates: gateways that come with the addon, and their upgrade (doc/behaviour.md section 8).

An upgrade updates a template until a user changes it. Plain data records cannot do that: with noupdate they are never
updated and are recreated after deletion; without it, an upgrade overwrites the user's changes.
"""
import json

from odoo import Command, api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools.actions import open_form
from ..tools.regions import expand_codes
from .sms_gateway import CREDENTIALS, TOKENS

ADDON = 'eis_sms_apis'
DELETED = f'{ADDON}.deleted_templates'  # a system parameter and its external id
KEPT = {'sequence', 'active'}  # what an upgrade does not change
# what connecting a provider asks for, in the order of a gateway that says nothing about it
ASKED = ('account_id', *CREDENTIALS, 'sender', 'connect_host')
EXAMPLE_HOSTS = ('example.com', 'example.org')  # stand for the user's own server in a template


class SmsGateway(models.Model):
    _inherit = 'sms.gateway'

    connect_fields = fields.Text(
        "Connection Fields",
        help="JSON list of what the provider asks for, in its order: name (a field of the gateway), label, required, "
             "and optionally pattern, placeholder and help.")
    console_url = fields.Char("Console URL", help="Page of the provider that shows the credentials.")
    region = fields.Selection(
        [('global', "Worldwide"), ('europe', "Europe"), ('asia', "Asia"), ('middle_east', "Middle East"),
         ('africa', "Africa"), ('americas', "Americas"), ('oceania', "Oceania")],
        "Region", help="Where the provider is mostly used.")
    country_codes = fields.Char(
        "Country Codes",
        help="Countries that the provider is mostly used in, separated by commas: country codes, or EU, AFRICA, LATAM, "
             "MENA and GLOBAL.")
    card_color = fields.Char("Card Color")
    confidence = fields.Selection(
        [('high', "High"), ('medium', "Medium"), ('low', "Low")], "Confidence",
        help="How well the template is backed by the provider's documentation and libraries. High: request, response "
             "and delivery report were each found in two independent sources or in the official documentation.")
    has_eu_server = fields.Boolean(
        "EU Server", help="The provider's documentation names a server for accounts in the EU.")
    connect_spec = fields.Json("Requested Values", compute='_compute_connect_spec')
    connect_labels = fields.Char("Requires", compute='_compute_connect_spec')
    connect_host = fields.Char(
        "Host", compute='_compute_connect_host', inverse='_inverse_connect_host',
        help="Enter the host and port of your account or server, or the whole URL if its path differs.")
    is_incomplete = fields.Boolean(compute='_compute_is_incomplete', help="Required values are empty.")
    served_country_ids = fields.Many2many(
        'res.country', string="Countries", compute='_compute_served_country_ids', search='_search_served_country_ids')

    # === COMPUTE METHODS === #

    @api.depends_context('lang')
    @api.depends('connect_fields', 'console_url', *(f'uses_{name}' for name in ASKED if name != 'connect_host'))
    def _compute_connect_spec(self):
        for gateway in self:
            rows = gateway._get_connect_rows()
            url = gateway.console_url or ''
            gateway.connect_spec = {'fields': rows, 'console': url if url.startswith('https://') else ''}
            gateway.connect_labels = ' · '.join(row['label'] for row in rows if row['required'])

    @api.depends('base_url', 'is_template', 'connect_spec', *ASKED)
    def _compute_is_incomplete(self):
        for gateway in self:
            gateway.is_incomplete = gateway.base_url and not gateway.is_template and gateway._get_missing_labels()

    def _get_connect_rows(self):
        """Return what to ask for when the provider is connected.

        :return: dictionaries with the keys name, label, required, pattern, placeholder and help
        :rtype: list[dict]
        """
        self.ensure_one()
        try:
            rows = json.loads(self.connect_fields or '[]')
        except ValueError:
            rows = []
        rows = [row for row in rows if isinstance(row, dict) and row.get('name') in ASKED] if (
            isinstance(rows, list)) else []
        rows = rows or [
            {'name': name, 'required': name != 'sender'}
            for name in ASKED if name != 'connect_host' and self[f'uses_{name}']]
        terms = self.env['sms.gateway.connect.term']
        return [{
            'name': row['name'],
            'required': bool(row.get('required')),
            'label': (
                terms._word(str(row.get('label') or '')) or self._fields[row['name']]._description_string(self.env)),
            'help': terms._word(str(row.get('help') or '')),
            **{key: str(row.get(key) or '') for key in ('pattern', 'placeholder')},
        } for row in rows]

    def _get_missing_labels(self):
        """Return the labels of required values that are empty.

        :rtype: list[str]
        """
        return [row['label'] for row in self._get_connect_rows() if row['required'] and not self[row['name']]]

    def _has_sent(self):
        """Return whether the provider has accepted an SMS, test SMS included.

        :rtype: bool
        """
        return bool(self.env['sms.gateway.status'].sudo().search_count(
            [('gateway_id', '=', self.id), ('state', '=', 'success')], limit=1))

    @api.depends('base_url')
    def _compute_connect_host(self):
        for gateway in self:
            host = (gateway.base_url or '').partition('://')[2].partition('/')[0]
            is_example = host.partition(':')[0].endswith(EXAMPLE_HOSTS)
            gateway.connect_host = host if host and not is_example else False

    def _inverse_connect_host(self):
        for gateway in self:
            value = (gateway.connect_host or '').strip()
            scheme, separator, rest = (gateway.base_url or '').partition('://')
            if not value or not separator:
                continue
            path = rest.partition('/')[2]
            if '://' in value:
                scheme, _separator, value = value.partition('://')
            host, slash, own_path = value.partition('/')
            gateway.base_url = f'{scheme}://{host}/{own_path or path}' if slash or path else f'{scheme}://{host}'

    @api.depends('country_codes')
    def _compute_served_country_ids(self):
        countries = self.env['res.country']
        for gateway in self:
            gateway.served_country_ids = countries.search(
                [('code', 'in', sorted(expand_codes(gateway.country_codes)))])

    @api.model
    def _search_served_country_ids(self, operator, value):
        """Find the providers of countries, and those that serve all countries."""
        if operator not in ('in', 'any', 'ilike', '='):
            return NotImplemented
        countries = self.env['res.country']
        if operator == 'any':
            found = countries.search(value)
        elif operator == 'ilike':
            found = countries.search([('name', 'ilike', value)])
        else:
            found = countries.browse(value)
        codes = set(found.mapped('code'))
        if not codes:
            return Domain.FALSE
        gateways = self.with_context(active_test=False).search([('country_codes', '!=', False)])
        return [('id', 'in', gateways.filtered(lambda gateway: (
            'GLOBAL' in gateway.country_codes or codes & expand_codes(gateway.country_codes))).ids)]

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
        """Duplicate a template and open the copy."""
        return open_form(self._use_template())

    def action_connect(self):
        """Open the dialog that asks for credentials, sends a test SMS and activates a gateway.

        For a template, that gateway is a copy; one that was opened before and left without credentials is used again.
        """
        self.ensure_one()
        gateway = self
        if self.is_template:
            gateway = self.search([
                ('is_template', '=', False), ('state', '=', 'new'), ('name', '=', self.name),
                ('base_url', '=', self.base_url), *((name, '=', False) for name in CREDENTIALS),
            ], limit=1) or self._use_template()
        return self.env['sms.gateway.connect'].create({'gateway_id': gateway.id})._open()

    def action_activate(self):
        """Activate, but ask first if required values are missing or no SMS was ever accepted."""
        self.ensure_one()
        self.check_access('write')
        missing, reasons = self._get_missing_labels(), []
        if missing:
            reasons.append(self.env._(
                "Missing: %s. The provider will probably refuse each SMS.", ', '.join(missing)))
        if not self._has_sent():
            reasons.append(self.env._(
                "The provider has not accepted an SMS through this gateway yet. Send a test SMS first."))
        if not reasons:
            self.state = 'active'
            return None
        return self.env['sms.gateway.activate'].create({
            'gateway_id': self.id, 'missing': ', '.join(missing), 'reasons': '\n'.join(reasons)})._open()

    def _use_template(self):
        """Duplicate a template, under the same name if no other gateway has it.

        :return: the copy
        """
        self.ensure_one()
        taken = self.with_context(active_test=False).search_count(
            [('name', '=', self.name), ('is_template', '=', False)], limit=1)
        return self.copy({} if taken else {'name': self.name})

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
        """Give each existing gateway tokens of its own; core would give all of them the same one."""
        if column_name not in TOKENS:
            super()._init_column(column_name)
            return
        column = SQL.identifier(column_name)
        self.env.cr.execute(SQL("SELECT id FROM sms_gateway WHERE %s IS NULL", column))
        for (gateway_id,) in self.env.cr.fetchall():
            token = self._fields[column_name].default(self)
            self.env.cr.execute(SQL("UPDATE sms_gateway SET %s = %s WHERE id = %s", column, token, gateway_id))
