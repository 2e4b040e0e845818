# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import re
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

from odoo import api, fields, models
from odoo.tools import formatLang

from ..sending.routing import RoutingTable
from ..sending.store.budgets import read_budgets
from ..sending.store.earlier_costs import OWN_COSTS
from ..sending.store.usage import Text, measure
from ..tools import phone
from ..tools.actions import open_form
from ..tools.budget import Usage
from ..tools.estimate import choose_sample, estimate

SAMPLE = 2_000  # recipients that are read; rendering their texts takes about a millisecond each
RECENT = 1_000  # SMS of a gateway whose cost is used if its price list has no price


class SmsGatewayEstimate(models.TransientModel):
    """What an SMS mailing will cost: recipients, segments, and the price by country."""
    _name = 'sms.gateway.estimate'
    _description = "Estimated Cost"
    _rec_name = 'summary'

    summary = fields.Char("Estimate", readonly=True)
    note = fields.Text("Notes", readonly=True)
    currency_id = fields.Many2one('res.currency', "Currency", readonly=True)
    is_cost_known = fields.Boolean(readonly=True)
    line_ids = fields.One2many('sms.gateway.estimate.line', 'estimate_id', "Countries", readonly=True)

    # === ESTIMATE === #

    @api.model
    def _open_of_mailing(self, mailing):
        """Open the estimate of a mailing of SMS Marketing. Its recipients get nothing.

        :param mailing: a `mailing.mailing`
        :rtype: dict
        """
        mailing.ensure_one().check_access('read')
        all_ids = mailing._get_remaining_recipients()
        ids = choose_sample(all_ids, SAMPLE)
        savepoint = self.env.cr.savepoint()
        try:
            composer = self.env['sms.composer'].with_context(active_id=False).create(
                mailing._send_sms_get_composer_values(ids))
            result = self._estimate(composer, len(all_ids))
        finally:
            savepoint.close(rollback=True)  # removes the shortened links
            self.env.invalidate_all(flush=False)
        currency = self.env.company.currency_id
        countries = self.env['res.country'].search([('code', 'in', list(filter(None, result.by_country)))])
        by_code = {country.code: country.id for country in countries}
        created = self.create({
            'summary': self._word(result), 'note': '\n'.join(self._find_notes(result, len(ids))),
            'currency_id': currency.id, 'is_cost_known': result.total.unpriced < result.total.recipients,
            'line_ids': [(0, 0, {
                'country_id': by_code.get(code), 'recipient_count': part.recipients, 'segment_count': part.segments,
                'cost': float(part.cost), 'is_priced': not part.unpriced, 'currency_id': currency.id,
            }) for code, part in result.by_country.items()]})
        return open_form(created, name=self.env._("Estimated Cost"), target='new')

    @api.model
    def _estimate(self, composer, count):
        """Estimate what the SMS of a composer cost.

        :param composer: an `sms.composer` for many recipients, or for some of them
        :param int count: number of all recipients
        :rtype: Estimate
        """
        records = composer._get_records()
        values = composer._prepare_mass_sms_values(records).values() if records else []
        texts, company = [], self.env.company
        gateways = self.env['sms.gateway'].sudo()
        routes = [replace(route, paused=False) for route in gateways._get_routes()]
        cheapest = gateways._get_cheapest(company, [route.gateway_id for route in routes])
        table = RoutingTable(
            routes, company.id, gateways._get_default_gateway_ids(company)[company.id], cheapest.get(company.id))
        for sms in values:
            if sms['state'] != 'outgoing':
                continue
            number = phone.to_e164(sms['number'], list(filter(None, [company.country_id.code])))
            candidates = table.candidates(number)
            texts.append(Text(
                company.id, candidates[0].gateway_id if candidates else False, number,
                self._add_link_ids(sms['body'] or '').strip()))
        configs = gateways.browse({text.gateway_id for text in texts if text.gateway_id})._get_configs()
        usages = measure(self.env(su=True), configs, texts, has_costs=True)
        countries = [phone.get_country(text.number) for text in texts]
        prices = self._find_recent_prices({
            text.gateway_id for text, usage in zip(texts, usages, strict=True) if usage.cost is None})
        return estimate([
            (country, text.gateway_id, usage.segments, self._complete(usage, prices.get((text.gateway_id, country))))
            for text, usage, country in zip(texts, usages, countries, strict=True)], len(records or ()), count)

    @api.model
    def _complete(self, usage, price):
        if usage.cost is None and price is not None:
            return usage.segments * price
        return usage.cost

    @api.model
    def _find_recent_prices(self, gateway_ids):
        """Return what a segment cost recently, for gateways whose price list has no price.

        :return: {(gateway id, country): price in the currency of the company}
        :rtype: dict
        """
        prices = {}
        for gateway_id in filter(None, gateway_ids):
            self.env.cr.execute(f"""
                SELECT number, ({OWN_COSTS['cost']})::text, {OWN_COSTS['segment_count']}
                FROM sms_gateway_status status
                WHERE gateway_id = %s AND state = 'success' AND company_id = %s AND {OWN_COSTS['cost']} IS NOT NULL
                AND {OWN_COSTS['segment_count']} > 0 ORDER BY id DESC LIMIT %s
            """, [gateway_id, self.env.company.id, RECENT])  # pylint: disable=sql-injection
            sums = defaultdict(lambda: [Decimal(), 0])
            for number, cost, segments in self.env.cr.fetchall():
                known = sums[phone.get_country(phone.to_e164(number or ''))]
                known[0] += Decimal(cost)
                known[1] += segments
            prices |= {(gateway_id, country): cost / segments for country, (cost, segments) in sums.items()}
        return prices

    def _add_link_ids(self, body):
        """Make tracked links as long as they will be: SMS Marketing adds the ID of the SMS when it exists."""
        start = self.get_base_url() + '/r/'
        if start not in body:
            return body
        self.env.cr.execute("SELECT COALESCE(max(id), 1) FROM sms_sms")
        suffix = f'/s/{self.env.cr.fetchone()[0]}'
        return re.sub(re.escape(start) + r'\w+', lambda link: link[0] + suffix, body)

    # === WORDS === #

    @api.model
    def _word(self, result):
        """Return an estimate as a sentence.

        :param Estimate result:
        :rtype: str
        """
        total, env = result.total, self.env
        parts = [
            env._("1 recipient") if total.recipients == 1 else env._(
                "%s recipients", formatLang(env, total.recipients, digits=0)),
            env._("1 segment") if total.segments == 1 else env._(
                "%s segments", formatLang(env, total.segments, digits=0)),
        ]
        cost = formatLang(env, float(total.cost), currency_obj=env.company.currency_id)
        if total.recipients and total.unpriced == total.recipients:
            parts.append(env._("price not known"))
        else:
            parts.append(env._("at least %s", cost) if total.unpriced else cost)
        words = ', '.join(parts)
        return env._("About %s", words) if result.is_sample else words

    def _find_notes(self, result, read):
        if not result.total.recipients:
            yield self.env._("No SMS will be sent: no recipient has a valid phone number that is not blacklisted.")
        if result.is_sample:
            yield self.env._("Estimated from %s recipients.", formatLang(self.env, read, digits=0))
        if result.total.unpriced:
            yield self.env._("Some prices are not known. Enter or import them with Prices on the gateway.")
        if result.by_gateway.get(False):
            yield self.env._("No gateway can send to some recipients.")
        for budget in read_budgets(self.env(su=True)):
            used = sum(
                Usage(part.segments, part.cost).of(budget) for gateway_id, part in result.by_gateway.items()
                if budget.covers(self.env.company.id, gateway_id))
            if not budget.has_room(budget.spent + used):
                record = self.env['sms.gateway.budget'].sudo().browse(budget.id)
                yield self.env._(
                    "The budget of this month (%(budget)s) has room for %(room)s. The other SMS wait until next month, "
                    "or until it is raised or released.", budget=record.name,
                    room=record._word_amount(float(max(0, budget.amount - budget.spent))))


class SmsGatewayEstimateLine(models.TransientModel):
    """What the SMS to one country will cost."""
    _name = 'sms.gateway.estimate.line'
    _description = "Estimated Cost of a Country"

    estimate_id = fields.Many2one('sms.gateway.estimate', required=True, ondelete='cascade')
    country_id = fields.Many2one('res.country', "Country", readonly=True)
    recipient_count = fields.Integer("Recipients", readonly=True)
    segment_count = fields.Integer("Segments", readonly=True)
    cost = fields.Monetary("Cost", readonly=True)
    is_priced = fields.Boolean(readonly=True)
    currency_id = fields.Many2one('res.currency', readonly=True)
