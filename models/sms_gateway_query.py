# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import re
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..sending.queries import ask_balance
from ..sending.store.claims import trigger_queue
from ..tools.answer.balance import BalanceRules
from ..tools.problem import ProblemError
from ..tools.request.checks import check_config
from ..tools.request.query import (
    NOBODY,
    check_status_query,
    make_query_config,
    make_status_query_config,
    preview_query,
    render_query,
)
from ..tools.request.typed_secrets import find_typed_secrets

INTERVAL = timedelta(hours=1)  # between two checks of a balance in the queue action
LOOK_BACK = timedelta(days=1)  # for SMS since the last check


class SmsGatewayQuery(models.Model):
    """A request that asks the provider for the balance or the status of SMS, with the credentials and headers of the
    gateway. `sms.gateway.query.status` has what is only for the status."""
    _name = 'sms.gateway.query'
    _description = "SMS Gateway Query"
    _inherit = ['sms.gateway.row', 'sms.gateway.query.status']
    _order = 'kind, id'
    _rec_name = 'kind'

    gateway_id = fields.Many2one('sms.gateway', "Gateway", required=True, ondelete='cascade', index=True)
    kind = fields.Selection(
        [('balance', "Balance"), ('status', "Delivery Status")], "Query", required=True, default='balance')
    method = fields.Selection([('get', "GET"), ('post', "POST")], "HTTP Method", required=True, default='get')
    url = fields.Char(
        "URL", required=True,
        help="Enter a URL, or a path such as /v1/balance to use the host of the Base URL. Placeholders such as "
             "{username} are filled in. The headers of the gateway are sent too.")
    body = fields.Text(
        "Body", help="Enter a JSON object, or a form such as user={username}&format=json. Only for POST.")
    amount_path = fields.Char(
        "Amount Path",
        help="Enter the path of the amount in a JSON response, for example data.balance. Leave empty to read the whole "
             "response.")
    amount_regex = fields.Char(
        "Amount Regex",
        help="Enter a regular expression that finds the amount in the text: the group named amount, or the first "
             "group. A group named currency finds the currency. Leave empty if the text is the amount.")
    amount_divisor = fields.Integer(
        "Divisor", default=1, required=True, help="Enter 100 if the provider counts in cents, otherwise 1.")
    currency_path = fields.Char(
        "Currency Path", help="Enter the path of the currency in a JSON response, for example data.currency.")
    currency = fields.Char("Currency", help="Used if the response contains no currency, for example EUR or credits.")
    request_preview = fields.Text("Request Preview", compute='_compute_request_preview')

    _kind_unique = models.Constraint('unique(gateway_id, kind)', "A gateway can have only one query of each kind.")
    _divisor_positive = models.Constraint('CHECK(amount_divisor > 0)', "Divisor: enter 1 or more.")

    # === COMPUTE METHODS === #

    @api.depends('method', 'url', 'body', 'kind', 'ids_per_request', 'id_separator')
    def _compute_request_preview(self):
        for query in self:
            if not query.url:
                query.request_preview = False  # the form was just opened
                continue
            try:
                query.request_preview = preview_query(
                    query._get_request_config(),
                    query._get_status_sample() if query.kind == 'status' else [NOBODY])
            except ProblemError as error:
                query.request_preview = self.env['sms.gateway.problem']._word(error.problem)

    # === CONSTRAINT METHODS === #

    @api.constrains('method', 'url', 'body', 'amount_regex', 'kind', 'ids_per_request', 'id_separator')
    def _check_query(self):
        for query in self:
            config = query._get_request_config()
            if query.url.strip().startswith('/') and not query.gateway_id.base_url:
                continue  # a gateway may be saved before it is complete
            if not query.url.strip().lower().startswith(('/', 'http://', 'https://')):
                raise ValidationError(self.env._(
                    "URL: enter a path such as /v1/messages, or an address that starts with https://."))
            try:
                if query.kind == 'status':
                    check_status_query(config, query.ids_per_request)
                else:
                    check_config(config)
            except ProblemError as error:
                raise ValidationError(self.env['sms.gateway.problem']._word(error.problem)) from error
            if query.method == 'get' and (query.body or '').strip():
                raise ValidationError(self.env._("A GET request has no body. Remove the body, or select POST."))
            # the headers of the gateway have a warning of their own
            if any(field != 'header_ids' for field, _name, _secret in find_typed_secrets(config)):
                raise ValidationError(self.env._(
                    "The query seems to contain a secret. Enter it on the Authentication page and use a placeholder "
                    "such as {token} instead."))
            try:
                re.compile(query.amount_regex or '')
            except (re.error, OverflowError, RecursionError) as error:
                raise ValidationError(self.env._(
                    "Amount Regex: enter a valid regular expression (%s).", error)) from error

    # === BUSINESS METHODS === #

    def _get_request_config(self):
        self.ensure_one()
        request = self.gateway_id._get_request_config(), self.method or 'get', self.url or '', self.body or ''
        if self.kind == 'status':
            return make_status_query_config(*request, self.id_separator or '')
        return make_query_config(*request)

    def _get_balance_rules(self):
        self.ensure_one()
        account = re.escape(self.gateway_id.account_id or '')
        return BalanceRules(
            amount_path=self.amount_path or '',
            amount_regex=(self.amount_regex or '').replace('{account_id}', account),
            divisor=self.amount_divisor,
            currency_path=self.currency_path or '',
            currency=self.currency or '')

    # === BUSINESS METHODS - BALANCE === #

    def _check_balance(self):
        """Ask for the balance while a user waits, and save it."""
        self.ensure_one()
        self._save_balance(*self._get_exchange()())

    def _get_exchange(self):
        """Return a function that asks for the balance. It uses no ORM, so that no transaction is open meanwhile.

        :return: a function that returns the Balance or None, and the Problem or None
        """
        self.ensure_one()
        gateway = self.gateway_id
        gateway._get_secrets()  # are masked in the log from now on
        connection = gateway._get_configs()[gateway.id].connection
        rules = self._get_balance_rules()
        try:
            request = render_query(self._get_request_config())
        except ProblemError as error:
            problem = error.problem
            return lambda: (None, problem)
        return lambda: ask_balance(connection, request, rules)

    def _save_balance(self, balance, problem):
        now = fields.Datetime.now()
        values = {
            'balance_attempt_date': now,
            'balance_error': problem and self.env['sms.gateway.problem']._word(problem)}
        if balance:
            values |= {'balance': balance.amount, 'balance_currency': balance.currency, 'balance_date': now}
        self.gateway_id.write(values)
        if balance:
            self.gateway_id._update_spending()
            self._alert_low_balance()

    def _alert_low_balance(self):
        gateway = self.gateway_id
        days = gateway._get_balance_days()
        is_low = 0 < gateway.balance_threshold > gateway.balance or (
            days is not None and days < gateway.balance_days_threshold)
        if is_low == gateway.balance_alerted:
            return
        gateway.balance_alerted = is_low
        if not is_low:
            return
        incidents = self.env['sms.gateway.incident']
        incidents._alert_users(incidents._get_responsible_users(gateway), self._word_low_balance)

    def _word_low_balance(self, env):
        gateway = self.gateway_id
        if not 0 < gateway.balance_threshold > gateway.balance:
            return env._("Low SMS balance: %s", gateway.name), env._(
                "The balance of %(gateway)s is %(balance)s %(currency)s. %(forecast)s. Top up the account.",
                gateway=gateway.name, balance=f'{gateway.balance:g}', currency=gateway.balance_currency or '',
                forecast=gateway.with_env(env).balance_forecast)
        return env._("Low SMS balance: %s", gateway.name), env._(
            "The balance of %(gateway)s is %(balance)s %(currency)s, below the minimum of %(minimum)s. Top up the "
            "account.", gateway=gateway.name, balance=f'{gateway.balance:g}',
            currency=gateway.balance_currency or '', minimum=f'{gateway.balance_threshold:g}')

    @api.model
    def _check_all_balances(self, deadline, commit):
        """Ask for the balance of each Active gateway that has sent SMS since the last check, at most once per hour.

        :param float deadline: `time.monotonic()` after which no request starts
        :param commit: ends the transaction, so that none is open during a request
        """
        now = fields.Datetime.now()
        queries = self.search([('kind', '=', 'balance'), ('gateway_id', 'any', [
            *self.env['sms.gateway']._get_sending_domain(),
            '|', ('balance_attempt_date', '=', False), ('balance_attempt_date', '<=', now - INTERVAL)])])
        for query in queries:
            gateway = query.gateway_id
            if time.monotonic() >= deadline:
                return
            since = max(gateway.balance_attempt_date or now - INTERVAL, now - LOOK_BACK)
            if not self.env['sms.gateway.status'].search(
                    [('gateway_id', '=', gateway.id), ('create_date', '>=', since)], limit=1):
                continue
            ask = query._get_exchange()
            gateway.balance_attempt_date = now
            trigger_queue(self.env, now + INTERVAL)
            commit()
            query._save_balance(*ask())
            commit()
