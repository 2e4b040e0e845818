# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Each group may do with each model and method what a table says, and no more: doc/behaviour.md section 7.

The roles are a public visitor, a portal user, an employee, one who manages access rights, and a settings administrator.
"""
from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import HttpCase, JsonRpcException, new_test_user, tagged
from odoo.tools import mute_logger

from .access_tables import CORE_METHODS, METHODS, OPERATIONS, ROLES
from .common import GatewayCase
from .test_security_groups import SECRETS


def table(text):
    return [line.split() for line in text.strip().splitlines()]


class AccessTableCase(GatewayCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            'public': cls.env.ref('base.public_user'),
            'portal': new_test_user(cls.env, 'table_portal', 'base.group_portal'),
            'employee': new_test_user(
                cls.env, 'table_employee', 'base.group_user,base.group_partner_manager,base.group_allow_export'),
            'rights': new_test_user(cls.env, 'table_rights', 'base.group_user,base.group_erp_manager'),
            'administrator': new_test_user(cls.env, 'table_administrator', 'base.group_system,base.group_allow_export'),
        }

    def make_records(self):
        """One record of each model that has any."""
        gateway = self.make_gateway(
            "Of the Table", country_prefixes='+32', delivery_callback_enabled=True,
            gateway_documentation_link='https://example.com/',
            header_ids=[(0, 0, {'key': 'X-A', 'value': 'b'})], query_ids=[(0, 0, {'url': '/balance'})],
            callback_failure_map_ids=[(0, 0, {'provider_code': '1', 'failure_type': 'unknown'})])
        message = self.make_contact()._message_sms("Hello")
        self.message = message
        self.free_gateway = self.make_gateway("Without SMS", header_ids=[(0, 0, {'key': 'X-A', 'value': 'b'})])
        sms = self.env['sms.sms'].search([('mail_message_id', '=', message.id)])
        if not sms:
            sms = self.make_sms('+32456001122')
        failed = self.make_sms('+32456001133', state='error', failure_type='sms_server')
        status = self.env['sms.gateway.status'].search([('gateway_id', '=', gateway.id)], limit=1)
        status.is_test = True
        test = self.env['sms.gateway.test'].create({
            'gateway_id': gateway.id, 'number': '+32456001122', 'body': "Hello", 'sms_uuid': status.sms_uuid,
            'response': '{"id": "1"}', 'http_code': '200',
            'value_ids': [(0, 0, {'path': 'id', 'value': '1', 'meaning': 'message_id'})]})
        curl = self.env['sms.gateway.curl'].create({
            'command': "curl https://example.com -d to=+32456001122 -d text=Hello", 'name': "From cURL",
            'number_format': 'e164', 'line_ids': [(0, 0, {'name': 'to', 'meaning': 'phone'})]})
        inbound = self.env['sms.gateway.inbound'].create({
            'gateway_id': gateway.id, 'number': '+32456001122', 'body': "Hello", 'state': 'unassigned',
            'mail_message_id': message.id, 'res_model': message.model, 'res_id': message.res_id})
        return {
            'sms.gateway': gateway, 'sms.gateway.parameter': gateway.parameter_ids[-1:],
            'sms.gateway.header': gateway.header_ids, 'sms.gateway.query': gateway.query_ids,
            'sms.gateway.quiet': self.env['sms.gateway.quiet'].create({'name': "Night"}),
            'sms.gateway.sender': self.env['sms.gateway.sender'].create({
                'gateway_id': gateway.id, 'sender': "Shop", 'country_id': self.env.ref('base.fr').id}),
            'sms.gateway.price': self.env['sms.gateway.price'].create({
                'gateway_id': gateway.id, 'prefix': '32', 'price': 0.07}),
            'sms.gateway.callback.failure.map': gateway.callback_failure_map_ids,
            'sms.gateway.status': status, 'sms.gateway.cost': self.env['sms.gateway.cost'].browse(2 * status.id),
            'sms.gateway.early.report': self.env['sms.gateway.early.report'],
            'sms.gateway.received.message': self.env['sms.gateway.received.message'],
            'sms.gateway.received.report': self.env['sms.gateway.received.report'].create({
                'gateway_id': gateway.id, 'message_id': 'unknown', 'status': 'delivered', 'uuid': '', 'number': '',
                'error_code': '', 'error_message': '', 'failure_type': ''}),
            'sms.gateway.incident': self.env['sms.gateway.incident'].sudo().create({'kind': 'queue'}),
            'sms.gateway.budget': self.env['sms.gateway.budget'].create({'gateway_id': gateway.id, 'amount': 1}),
            'sms.gateway.inbound': inbound,
            'sms.gateway.inbound.assign': self.env['sms.gateway.inbound.assign'].create({
                'inbound_ids': inbound.ids, 'number': inbound.number, 'partner_id': message.res_id}),
            'sms.gateway.conversation': self.env['sms.gateway.conversation'].create({
                'number': inbound.number, 'partner_id': message.res_id, 'body': "Hello"}),
            'res.partner': self.env['res.partner'].browse(message.res_id),
            'sms.gateway.throttle': self.env['sms.gateway.throttle'], 'sms.gateway.test': test,
            'sms.gateway.test.value': test.value_ids,
            'sms.gateway.sample': self.env['sms.gateway.sample'].create({'gateway_id': gateway.id}),
            'sms.gateway.route': self.env['sms.gateway.route'].create({'number': '+32456001122'}),
            'sms.gateway.export': self.env['sms.gateway.export'].create({'gateway_ids': gateway.ids}),
            'sms.gateway.import': self.env['sms.gateway.import'].create({
                'document': '{"format": "eis_sms_apis.gateway", "version": 1, "gateways": [{"name": "Imported"}]}'}),
            'sms.gateway.activate': self.env['sms.gateway.activate'].create({'gateway_id': gateway.id}),
            'sms.gateway.send.credential': self.env['sms.gateway.send.credential'].create({
                'gateway_id': gateway.id, 'credential': 'api_key'}),
            'sms.gateway.connect': self.env['sms.gateway.connect'].create({
                'gateway_id': gateway.id, 'number': '+32456001122', 'step': 'test'}),
            'sms.gateway.curl': curl, 'sms.gateway.curl.line': curl.line_ids,
            'sms.retry': self.env['sms.retry'].create({
                'sms_ids': failed.ids, 'doubtful_sms_ids': failed.ids}),
            'sms.sms': failed, 'mail.message': message, 'res.config.settings': self.env['res.config.settings'],
        }

    def arguments(self, records, model, method):
        """What a client sends for a method, without ids. :return: positional arguments"""
        gateway = records['sms.gateway']
        values = {
            'sms.gateway': {'name': "New"}, 'sms.sms': {'number': '+32456001122', 'body': "Hello"},
            'sms.gateway.parameter': {'key': 'k', 'gateway_id': gateway.id},
            'sms.gateway.header': {'key': 'X-K', 'gateway_id': gateway.id},
            'sms.gateway.price': {'gateway_id': gateway.id, 'price': 0.07},
            'sms.gateway.quiet': {'name': "Night"},
            'sms.gateway.sender': {
                'gateway_id': gateway.id, 'sender': "Shop", 'country_id': self.env.ref('base.us').id},
            'sms.gateway.query': {'url': '/balance', 'gateway_id': self.free_gateway.id},
            'sms.gateway.callback.failure.map': {'provider_code': '2', 'gateway_id': gateway.id},
            'sms.gateway.status': {'gateway_id': gateway.id, 'sms_uuid': 'x', 'state': 'success'},
            'sms.gateway.inbound': {'gateway_id': gateway.id, 'number': '+32456001122'},
            'sms.gateway.received.report': {'gateway_id': gateway.id, 'status': 'delivered'},
            'sms.gateway.sample': {'gateway_id': gateway.id}, 'sms.gateway.budget': {'amount': 1},
            'sms.gateway.route': {'number': '+32456001122'}, 'sms.gateway.export': {'gateway_ids': gateway.ids},
            'sms.gateway.send.credential': {'gateway_id': gateway.id, 'credential': 'token'},
            'sms.gateway.connect': {'gateway_id': gateway.id}, 'sms.gateway.activate': {'gateway_id': gateway.id},
            'sms.gateway.import': {'document': '{}'}, 'sms.retry': {'sms_ids': []}, 'res.config.settings': {},
        }
        return {
            'create': [[values.get(model)]],
            'write': [{'name': "X"} if model == 'sms.gateway'
                      else {'number': '1'} if model.endswith(('.status', '.report'))
                      else {'provider_code': '3'} if 'map' in model else {'url': '/new'} if 'query' in model
                      else {'is_read': True} if 'inbound' in model
                      else {'price': 0.08} if model == 'sms.gateway.price'
                      else {'amount': 2} if model == 'sms.gateway.budget'
                      else {'name': "Nights"} if model == 'sms.gateway.quiet'
                      else {'sender': "New"} if model == 'sms.gateway.sender'
                      else {'key': 'X-New'}],
            'read': [['display_name']], 'web_read': [{'display_name': {}}],
            'web_search_read': [[], {'display_name': {}}], 'formatted_read_group': [[], ['gateway_id'], ['__count']]
            if model == 'sms.gateway.status' else [[], ['state'], ['__count']],
            'name_search': ["Of the Table"], 'search_count': [[]], 'export_data': [['name', 'base_url']],
            'onchange': [{}, [], {
                {'sms.gateway.route': 'number', 'sms.gateway.import': 'preview',
                 'sms.gateway.sample': 'kind'}.get(model, 'name'): {}}],
            'explain_route': ['+32456001122'], 'action_open_of_message': [self.message.id],
            'get_message_cost': [self.message.id],
        }.get(method, [])

    def kind(self, result):
        is_page = isinstance(result, dict) and result.get('type', '').startswith('ir.actions.act_window')
        return 'page' if is_page else 'yes'


@tagged('post_install', '-at_install')
class TestAccessTable(AccessTableCase):

    def test_operations(self):
        for model, *cells in table(OPERATIONS):
            for role, expected in zip(ROLES, cells, strict=True):
                with self.subTest(model=model, role=role):
                    records = self.env[model].with_user(self.users[role])
                    allowed = ''.join(name[0] for name in ('create', 'read', 'write', 'unlink')
                                      if records.has_access(name))
                    self.assertEqual(allowed or '-', expected)

    def test_methods(self):
        """As a client calls them, and each public method of ours stands in the table."""
        records = self.make_records()
        for model, method, *cells in table(METHODS):
            for role, expected in zip(ROLES, cells, strict=True):
                with self.subTest(model=model, method=method, role=role):
                    outcome = self.outcome(records, model, method, self.users[role])
                    self.assertIn(outcome, {'yes': ('yes', 'page')}.get(expected, (expected,)))

    def outcome(self, records, model, method, user):
        record = records[model]
        if (model, method) == ('sms.gateway', 'unlink'):
            record = self.free_gateway
        is_of_model = getattr(getattr(type(record), method), '_api_model', False)
        arguments = self.arguments(records, model, method)
        if not is_of_model:
            arguments = [record.ids, *arguments]
        savepoint = self.env.cr.savepoint()
        try:
            self.env.invalidate_all()
            return self.kind(call_kw(self.env[model].with_user(user), method, arguments, {}))
        except AccessError:
            return 'no'
        except UserError:
            if method != 'export_data':  # which needs a right of its own
                raise
            return 'no'
        finally:
            savepoint.close(rollback=True)
            self.env.invalidate_all()

    def test_table_is_complete(self):
        listed = {(model, method) for model, method, *_cells in table(METHODS)}
        listed |= {(model, method) for model, methods in CORE_METHODS.items() for method in methods}
        ours = set()
        for model in self.env.registry:
            for base in type(self.env[model]).mro():
                if base.__module__.startswith('odoo.addons.eis_sms_apis.'):
                    ours |= {
                        (model, name) for name, value in vars(base).items()
                        if callable(value) and not name.startswith('_') and not getattr(value, '_api_private', False)}
        self.assertLessEqual(ours, listed)
        models = {
            name for name, model in self.env.registry.items()
            if name.startswith(('sms.gateway', 'sms.retry')) and not model._abstract}
        self.assertEqual({model for model, *_cells in table(OPERATIONS)} - {'sms.sms', 'sms.tracker'}, models)

    def test_secrets_are_hidden_in_exports_and_copies(self):
        gateway = self.make_gateway(
            "Secrets", api_key='a-s3cret', username='u-s3cret', password='p-s3cret',
            delivery_callback_check_key='k-s3cret', delivery_callback_check_old_key='o-s3cret')
        names = (*SECRETS, 'delivery_callback_old_token', 'delivery_callback_check_key',
                 'delivery_callback_check_old_key', 'delivery_callback_check_username',
                 'delivery_callback_check_password')
        fields = gateway.fields_get(names)
        for name in names:
            self.assertIs(fields[name].get('exportable'), False, name)
            self.assertEqual(gateway._fields[name].groups, 'base.group_system', name)
            self.assertFalse(gateway._fields[name].copy, name)
            self.assertFalse(getattr(gateway._fields[name], 'tracking', None), name)
        self.assertNotIn('s3cret', str(gateway.copy().read()))
        self.assertNotIn('s3cret', str(self.env['sms.gateway'].name_search('Secrets')))
        self.assertEqual(self.env['sms.gateway'].name_search('s3cret'), [])

    def test_secrets_are_not_searched_or_grouped(self):
        """Whoever is given the model by another addon guesses no secret by searching."""
        self.env['ir.model.access'].create({
            'name': "Given", 'model_id': self.env['ir.model']._get_id('sms.gateway'), 'perm_read': True,
            'group_id': self.env.ref('base.group_user').id})
        gateways = self.env['sms.gateway'].with_user(self.users['employee'])
        self.assertTrue(gateways.search_count([]))
        for name in (
                'token', 'delivery_callback_token', 'delivery_callback_old_token', 'delivery_callback_check_key',
                'delivery_callback_check_old_key', 'inbound_token', 'inbound_old_token'):
            for call in (
                lambda name=name: gateways.search([(name, '=like', 's%')]),
                lambda name=name: gateways.search([], order=name),
                lambda name=name: gateways.formatted_read_group([], [name], ['__count']),
                lambda name=name: gateways.browse(self.gateway.id).export_data([name]),
                lambda name=name: gateways.browse(self.gateway.id).mapped(name),
            ):
                with self.assertRaises(AccessError):
                    call()

    def test_queue_is_not_woken_without_rights(self):
        """A call without ids passes every check of records."""
        cron = self.env.ref('sms.ir_cron_sms_scheduler_action')
        before = self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)])
        for method in ('action_set_outgoing', 'action_retry', 'resend_failed'):
            try:
                call_kw(self.env['sms.sms'].with_user(self.users['employee']), method, [[]], {})
            except AccessError:
                continue
        self.assertEqual(self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)]), before)


@tagged('post_install', '-at_install')
class TestAccessOverHttp(AccessTableCase, HttpCase):

    def test_employee_and_portal_over_http(self):
        """The same calls as they come from a browser, buttons included."""
        records = self.make_records()
        for login in ('table_portal', 'table_employee'):
            self.authenticate(login, login)
            for model, method in (
                ('sms.gateway', 'read'), ('sms.gateway', 'action_toggle_state'), ('sms.gateway', 'explain_route'),
                ('sms.gateway.status', 'action_open_of_message'), ('sms.gateway.test', 'action_send'),
                ('sms.retry', 'action_send_all'), ('sms.sms', 'action_retry'),
            ):
                arguments = self.arguments(records, model, method)
                if not getattr(getattr(type(records[model]), method), '_api_model', False):
                    arguments = [records[model].ids, *arguments]
                for route in ('call_kw', 'call_button'):
                    with self.subTest(login=login, model=model, method=method, route=route), \
                            mute_logger('odoo.http'), self.assertRaises(JsonRpcException) as caught:
                        self.make_jsonrpc_request(f'/web/dataset/{route}/{model}/{method}', {
                            'model': model, 'method': method, 'args': arguments, 'kwargs': {}})
                    self.assertIn('AccessError', str(caught.exception))
        self.assertEqual(records['sms.gateway'].state, 'active')
        self.assertEqual(records['sms.sms'].state, 'error')
