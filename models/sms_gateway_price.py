# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import re
from collections import defaultdict
from datetime import date
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache

from ..tools import phone
from ..tools.price_list import NO_PRICES, Price, PriceList

MAX_PRICE = 1_000_000  # of an SMS, in any currency


def _clean_prefix(prefix):
    """:return: the digits of a prefix, str: +49, 0049 and 49 are the same"""
    return re.sub(r'^(\+|00)', '', re.sub(r'[\s().-]+', '', prefix or ''))


class SmsGatewayPrice(models.Model):
    """The price of SMS to numbers with one prefix, for gateways whose provider does not say what an SMS cost."""
    _name = 'sms.gateway.price'
    _description = "SMS Price"
    _order = 'gateway_id, prefix, valid_from desc'
    _rec_name = 'prefix'

    gateway_id = fields.Many2one('sms.gateway', "Gateway", required=True, ondelete='cascade')
    company_id = fields.Many2one(related='gateway_id.company_id')
    prefix = fields.Char(
        "Prefix",
        help="Enter how the numbers start, with the country code, for example 49 or 491. The longest matching prefix "
             "counts. Leave empty for all other numbers.")
    country_id = fields.Many2one('res.country', "Country", compute='_compute_country_id')
    price = fields.Float(
        "Price per Segment", digits=(16, 6), required=True, aggregator=None,
        help="Enter the price of one segment. An SMS of several segments costs a multiple.")
    currency_id = fields.Many2one(
        'res.currency', "Currency", required=True, ondelete='restrict',
        default=lambda self: self.env.company.currency_id)
    valid_from = fields.Date(
        "Valid From", required=True, default=fields.Date.context_today,
        help="First day of the price, in UTC. It applies until the day of the next price of the same prefix.")

    _prefix_unique = models.UniqueIndex(
        "(gateway_id, COALESCE(prefix, ''), valid_from)", "A prefix can have only one price per day.")
    _price_range = models.Constraint(
        f'CHECK(price >= 0 AND price < {MAX_PRICE})', "Price per Segment: enter 0 or more.")

    # === COMPUTE METHODS === #

    @api.depends('prefix')
    def _compute_country_id(self):
        codes = {price: phone.get_prefix_country(_clean_prefix(price.prefix)) for price in self}
        countries = self.env['res.country'].search([('code', 'in', list(filter(None, codes.values())))])
        by_code = {country.code: country for country in countries}
        for price in self:
            price.country_id = by_code.get(codes[price])

    # === CONSTRAINT METHODS === #

    @api.constrains('prefix')
    def _check_prefix(self):
        for price in self:
            if price.prefix and not re.fullmatch('[1-9][0-9]{0,14}', price.prefix):
                raise ValidationError(self.env._(
                    "\"%s\" is not a prefix. Enter digits that start with the country code, such as 49 or +49.",
                    price.prefix))

    # === CRUD METHODS === #

    @api.model
    def load(self, fields, data):
        # a provider's price list is often in a currency that nothing else in the database uses
        return super(SmsGatewayPrice, self.with_context(active_test=False)).load(fields, data)

    @api.model_create_multi
    def create(self, vals_list):
        self._clear_price_lists()
        return super().create([self._clean({'price': None, **vals}) for vals in vals_list])

    def write(self, vals):
        self._clear_price_lists()
        return super().write(self._clean(vals))

    def unlink(self):
        self._clear_price_lists()
        return super().unlink()

    @api.model
    def _clean(self, vals):
        """Return values with the prefix as digits.

        :raise ValidationError: without a price, for example in an empty cell of a file, which would become 0
        """
        if 'prefix' in vals:
            vals = {**vals, 'prefix': _clean_prefix(vals['prefix']) or False}
        if 'price' in vals and (vals['price'] in (None, '') or vals['price'] is False):
            raise ValidationError(self.env._("Enter a price for each prefix."))
        if 'price' in vals and not 0 <= float(vals['price']) < MAX_PRICE:
            raise ValidationError(self.env._("Price per Segment: enter 0 or more."))
        return vals

    # === ACTION METHODS === #

    @api.model
    def get_import_templates(self):
        return [{
            'label': self.env._("Import Template for SMS Prices"),
            'template': '/eis_sms_apis/static/import/sms_prices.csv',
        }]

    # === BUSINESS METHODS === #

    @api.model
    def _get_price_lists(self, gateway_ids):
        """Return the prices of gateways. Cached, so that each claim and save may ask.

        :param gateway_ids: of any gateways
        :return: {gateway id: PriceList}, empty lists included
        :rtype: dict[int, PriceList]
        """
        price_lists = self._load_price_lists()
        return {gateway_id: price_lists.get(gateway_id, NO_PRICES) for gateway_id in gateway_ids}

    @api.model
    def _clear_price_lists(self):
        """Read the prices again, and once more after the commit: until then, claims and saves read the old ones."""
        self.env.registry.clear_cache()
        self.env.cr.postcommit.add(self.env.registry.clear_cache)

    @api.model
    @ormcache()
    def _load_price_lists(self):
        self.flush_model()
        # as text, because Odoo reads numeric columns as binary floats
        self.env.cr.execute("""
            SELECT price.gateway_id, price.prefix, price.valid_from, price.price::text, currency.name
            FROM sms_gateway_price price JOIN res_currency currency ON currency.id = price.currency_id
        """)
        rows: dict[int, list[tuple[str, date, Price]]] = defaultdict(list)
        for gateway_id, prefix, valid_from, price, currency in self.env.cr.fetchall():
            rows[gateway_id].append((prefix or '', valid_from, Price(Decimal(price), currency)))
        return {gateway_id: PriceList(of_gateway) for gateway_id, of_gateway in rows.items()}
