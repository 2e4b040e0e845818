# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A stand-in for the addon that had our technical name before, made from its public documentation: models, labels and
settings are documented, names of columns and views are not, so there are two variants."""
from pathlib import Path
from textwrap import dedent

# What each variant calls the columns that our migration looks for.
DOCUMENTED = {
    'url': 'base_url', 'prefixes': 'country_prefixes', 'token': 'delivery_callback_token', 'key': 'key',
    'value': 'value', 'param_type': 'param_type', 'code': 'provider_code', 'gateway': 'gateway_id', 'uuid': 'sms_uuid',
    'number': 'number', 'http_code': 'http_code', 'response': 'response_text', 'message_id': 'message_id',
    'state': 'state',
}
OTHERS = {
    'url': 'api_url', 'prefixes': 'prefixes', 'token': 'callback_token', 'key': 'name', 'value': 'param_value',
    'param_type': 'type', 'code': 'code', 'gateway': 'sms_gateway', 'uuid': 'uuid', 'number': 'recipient',
    'http_code': 'status_code', 'response': 'response', 'message_id': 'provider_message_id', 'state': 'status',
}


def write(directory: Path, names: dict):
    """Write the addon into an empty directory.

    :param names: one of the variants above
    """
    files = {'__init__.py': 'from . import models\n', '__manifest__.py': MANIFEST, 'models.py': MODELS,
             'views.xml': VIEWS, 'security.csv': SECURITY}
    directory.mkdir()
    for name, template in files.items():
        text = template
        for key, column in names.items():
            text = text.replace(f'<<{key}>>', column)
        # Odoo takes the model of an access file from the file's name
        (directory / ('ir.model.access.csv' if name == 'security.csv' else name)).write_text(
            dedent(text).lstrip(), encoding='utf-8')


MANIFEST = """
    {
        'name': "SMS Gateway", 'version': '19.0.1.0.0', 'license': 'OPL-1', 'author': "Somebody", 'depends': ['sms'],
        'data': ['ir.model.access.csv', 'views.xml'],
    }
"""
SECURITY = """
    id,name,model_id:id,group_id:id,perm_read,perm_write,perm_create,perm_unlink
    access_gateway,gateway,model_sms_gateway,base.group_system,1,1,1,1
    access_parameter,parameter,model_sms_gateway_parameter,base.group_system,1,1,1,1
    access_header,header,model_sms_gateway_header,base.group_system,1,1,1,1
    access_map,map,model_sms_gateway_callback_failure_map,base.group_system,1,1,1,1
    access_status,status,model_sms_gateway_status,base.group_system,1,1,1,1
    access_balance,balance,model_sms_gateway_balance,base.group_system,1,1,1,1
"""
MODELS = """
    from odoo import api, fields, models


    class SmsGateway(models.Model):
        _name = 'sms.gateway'
        _description = "Gateway"

        name = fields.Char(required=True, translate=True)
        code = fields.Char(required=True, help="Of theirs alone.")
        sequence = fields.Char()
        active = fields.Boolean(default=True)
        state = fields.Selection(
            [('new', "New"), ('active', "Active"), ('disabled', "Disabled"), ('testing', "Testing")], default='new')
        <<url>> = fields.Char(required=True)
        <<prefixes>> = fields.Char()
        method = fields.Selection([('get', "GET"), ('post', "POST"), ('put', "PUT")], default='post')
        request_type = fields.Selection([('form', "Form"), ('json', "JSON"), ('xml', "XML")], default='form')
        auth_type = fields.Selection([('none', "None"), ('token', "Token"), ('oauth2', "OAuth 2")], default='none')
        api_key = fields.Char()
        token = fields.Char()
        username = fields.Char()
        password = fields.Char()
        success_http_codes = fields.Text(default='200')
        delivery_callback_enabled = fields.Boolean()
        <<token>> = fields.Char()
        parameter_ids = fields.One2many('sms.gateway.parameter', '<<gateway>>')
        balance_ids = fields.One2many('sms.gateway.balance', 'gateway_id')

        _code_unique = models.Constraint('unique(name)', "Once.")

        @api.model
        def _cron_balance(self):
            self.search([]).balance_ids.unlink()


    class Parameter(models.Model):
        _name = 'sms.gateway.parameter'
        _description = "Parameter"

        <<gateway>> = fields.Many2one('sms.gateway', required=True, ondelete='cascade')
        <<key>> = fields.Char(required=True)
        <<value>> = fields.Char()
        <<param_type>> = fields.Selection(
            [('number', "Number"), ('message', "Message"), ('secret', "Secret")], required=True)
        position = fields.Integer(required=True, default=1)


    class Header(models.Model):
        _name = 'sms.gateway.header'
        _description = "Header"

        <<gateway>> = fields.Many2one('sms.gateway', ondelete='cascade')
        <<key>> = fields.Char()
        value = fields.Char()


    class FailureMap(models.Model):
        _name = 'sms.gateway.callback.failure.map'
        _description = "Failure Code"

        <<gateway>> = fields.Many2one('sms.gateway', required=True, ondelete='cascade')
        <<code>> = fields.Char(required=True)
        failure_type = fields.Char()


    class Status(models.Model):
        _name = 'sms.gateway.status'
        _description = "Status"

        <<gateway>> = fields.Many2one('sms.gateway', required=True)
        <<uuid>> = fields.Char()
        <<number>> = fields.Char(required=True)
        <<http_code>> = fields.Char()
        <<response>> = fields.Html()
        <<message_id>> = fields.Char()
        <<state>> = fields.Char()
        provider = fields.Char(required=True, default="theirs")


    class Balance(models.Model):
        _name = 'sms.gateway.balance'
        _description = "Of theirs alone"

        gateway_id = fields.Many2one('sms.gateway', required=True, ondelete='cascade')


    class Sms(models.Model):
        _inherit = 'sms.sms'

        gateway_error = fields.Char()


    class Settings(models.TransientModel):
        _inherit = 'res.config.settings'

        sms_their_gateway = fields.Many2one('sms.gateway', config_parameter='sms.sms_gateway_id')
        sms_their_fallback = fields.Boolean(config_parameter='sms.iap_fallback')
"""
VIEWS = """
    <odoo>
        <record id="sms_gateway_view_form" model="ir.ui.view">
            <field name="name">their gateway form</field>
            <field name="model">sms.gateway</field>
            <field name="arch" type="xml">
                <form><field name="name"/><field name="code"/><field name="balance_ids"/></form>
            </field>
        </record>
        <record id="view_more" model="ir.ui.view">
            <field name="name">their addition to it</field>
            <field name="model">sms.gateway</field>
            <field name="inherit_id" ref="sms_gateway_view_form"/>
            <field name="arch" type="xml"><field name="code" position="after"><field name="<<url>>"/></field></field>
        </record>
        <record id="view_settings" model="ir.ui.view">
            <field name="name">their settings</field>
            <field name="model">res.config.settings</field>
            <field name="inherit_id" ref="sms.res_config_settings_view_form"/>
            <field name="arch" type="xml">
                <xpath expr="//setting[@id='sms']" position="inside">
                    <field name="sms_their_gateway"/><field name="sms_their_fallback"/>
                </xpath>
            </field>
        </record>
        <record id="view_sms" model="ir.ui.view">
            <field name="name">their SMS form</field>
            <field name="model">sms.sms</field>
            <field name="inherit_id" ref="sms.sms_tsms_view_form"/>
            <field name="arch" type="xml">
                <field name="failure_type" position="after"><field name="gateway_error"/></field>
            </field>
        </record>
        <record id="sms_gateway_action" model="ir.actions.act_window">
            <field name="name">Gateways</field>
            <field name="res_model">sms.gateway</field>
            <field name="view_id" ref="sms_gateway_view_form"/>
        </record>
        <menuitem id="menu_theirs" name="Gateways" parent="base.menu_administration" action="sms_gateway_action"/>
        <data noupdate="1">
            <record id="rule" model="ir.rule">
                <field name="name">their rule</field>
                <field name="model_id" ref="model_sms_gateway"/>
                <field name="domain_force">[('code', '!=', 'x')]</field>
            </record>
            <record id="cron" model="ir.cron">
                <field name="name">their balance</field>
                <field name="model_id" ref="model_sms_gateway"/>
                <field name="state">code</field>
                <field name="code">model._cron_balance()</field>
                <field name="interval_number">1</field>
                <field name="interval_type">days</field>
            </record>
            <record id="gateway_twilio" model="sms.gateway">
                <field name="name">Twilio</field>
                <field name="code">twilio</field>
                <field name="<<url>>">https://old.example.com/twilio</field>
            </record>
        </data>
    </odoo>
"""
