# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import json
from datetime import timedelta

from odoo import api, fields, models

from ..sending.cheapest import ALL, Cheapest, DeliveryRate
from ..sending.store.costs import Rates

DAYS = 3  # whose SMS count for the delivery rate
LATEST = timedelta(hours=1)  # SMS that are not older are left out: their delivery reports may still come
INTERVAL = timedelta(hours=1)  # after which delivery rates are computed again
PARAMETER = 'eis_sms_apis.delivery_rates_date'


class SmsGatewayCheapest(models.AbstractModel):
    """The choice of the cheapest gateway: see `sending/cheapest.py`."""
    _name = 'sms.gateway.cheapest'
    _description = "Cheapest SMS Gateway"

    delivery_rates = fields.Json(
        readonly=True, copy=False, exportable=False,
        help="{country code, or an empty text for all: [percent delivered, number of SMS]} of the last days")

    # === BUSINESS METHODS === #

    @api.model
    def _get_cheapest(self, companies, gateway_ids):
        """Return how companies choose among equal gateways.

        :param companies: records of `res.company`
        :param gateway_ids: of all Active gateways
        :return: {company id: Cheapest}, without companies for which prices do not count
        :rtype: dict[int, Cheapest]
        """
        self.env.flush_all()
        self.env.cr.execute("""
            SELECT id, sms_cheapest_points FROM res_company WHERE sms_is_cheapest_first AND id = ANY(%s)
        """, [companies.ids])
        points = dict(self.env.cr.fetchall())
        if not points:
            return {}
        prices = self.env['sms.gateway.price'].sudo()._get_price_lists(gateway_ids)
        currencies = set().union(*(price_list.get_currencies() for price_list in prices.values()))
        day, delivery = fields.Date.today(), self._read_delivery_rates(gateway_ids)
        rates = Rates(self.env, day, {(company_id, code) for company_id in points for code in currencies})
        return {
            company_id: Cheapest(
                points=allowed or 0, prices=prices, delivery=delivery, day=day,
                rates={code: factor for code in currencies if (factor := rates.get_factor(company_id, code))})
            for company_id, allowed in points.items()}

    @api.model
    def _read_delivery_rates(self, gateway_ids):
        self.env.cr.execute("""
            SELECT id, delivery_rates FROM sms_gateway WHERE delivery_rates IS NOT NULL AND id = ANY(%s)
        """, [list(gateway_ids)])
        return {
            gateway_id: {country: DeliveryRate(*rate) for country, rate in rates.items()}
            for gateway_id, rates in self.env.cr.fetchall()}

    @api.model
    def _refresh_delivery_rates(self):
        """Compute the delivery rates of the last days, at most every hour, while a company chooses by price. Called by
        the queue action, because claims must not wait for it."""
        if not self.env['res.company'].sudo().search_count([('sms_is_cheapest_first', '=', True)], limit=1):
            return
        parameters, now = self.env['ir.config_parameter'].sudo(), fields.Datetime.now()
        last = fields.Datetime.to_datetime(parameters.get_param(PARAMETER) or None)
        if last and now - INTERVAL < last <= now:
            return
        parameters.set_param(PARAMETER, fields.Datetime.to_string(now))
        rates, total = {}, {}
        for gateway, country, percent, known in self.env['sms.gateway.status'].sudo()._read_group(
                [('create_date', '>=', now - timedelta(days=DAYS)), ('create_date', '<', now - LATEST),
                 ('is_test', '!=', True)],
                ['gateway_id', 'country_code'], ['delivery_rate:avg', 'delivery_rate:count']):
            if known:
                rates.setdefault(gateway.id, {})[country or ALL] = [100 * percent, known]
                delivered, count = total.get(gateway.id, (0, 0))
                total[gateway.id] = delivered + percent * known, count + known
        for gateway_id, (delivered, known) in total.items():
            rates[gateway_id][ALL] = [100 * delivered / known, known]
        # not by the ORM: it is no change of the gateway by a user
        self.env.cr.execute("""
            UPDATE sms_gateway g SET delivery_rates = v.rates::jsonb
            FROM (SELECT * FROM unnest(%s::int[], %s::text[]) AS rows(id, rates)) v WHERE g.id = v.id
        """, [list(rates), [json.dumps(of_gateway) for of_gateway in rates.values()]])
        self.env.cr.execute("""
            UPDATE sms_gateway SET delivery_rates = NULL WHERE delivery_rates IS NOT NULL AND id <> ALL(%s)
        """, [list(rates)])
        self.env['sms.gateway'].invalidate_model(['delivery_rates'])
