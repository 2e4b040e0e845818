# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from decimal import Decimal

from odoo import api, fields, models

from ..tools.answer.price import PriceRules


class SmsGatewayPricing(models.AbstractModel):
    """What the SMS of a gateway cost."""
    _name = 'sms.gateway.pricing'
    _description = "SMS Gateway Pricing"

    answer_segments_path = fields.Char(
        "Segments", help="Path of the number of segments in an item or the whole response.")
    price_regex = fields.Char(
        "Price Regex",
        help="Enter a regular expression with groups named price, currency and segments, of which it finds what has no "
             "path in the response: cost=(?P<price>[0-9.]+). Only used if the text is about one SMS.")
    is_price_per_segment = fields.Boolean(
        "Price per Segment", help="The provider's price is that of one segment, not of the whole SMS.")
    price_unit_value = fields.Float(
        "Unit Value", digits=(16, 8), default=1, required=True,
        help="Enter what one unit of the provider's price is worth in the currency: 1 for prices in the currency, "
             "0.0001 if 3500 is 0.35, or the price of one credit.")
    delivery_callback_price_param = fields.Char(
        "Price Param", help="The price in a delivery report replaces that of the response.")
    delivery_callback_currency_param = fields.Char("Currency Param")
    delivery_callback_segments_param = fields.Char("Segments Param")

    _unit_value_positive = models.Constraint(
        'CHECK(price_unit_value > 0)', "Unit Value: enter more than 0, or 1 if the price is in the currency.")

    # === CRUD METHODS === #

    @api.ondelete(at_uninstall=False)
    def _unlink_budgets(self):
        """Let SMS go on that wait for budgets of the gateways, because others may send them."""
        budgets = self.env['sms.gateway.budget'].sudo().with_context(active_test=False)
        budgets.search([('gateway_id', 'in', self.ids)]).unlink()

    # === ACTION METHODS === #

    def action_view_prices(self):
        """Open the price list of the gateway."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('eis_sms_apis.sms_gateway_price_action')
        return dict(action, domain=[('gateway_id', '=', self.id)], context={'default_gateway_id': self.id})

    # === BUSINESS METHODS === #

    def _get_price_rules(self):
        """Return where the provider says what an SMS costs.

        :rtype: PriceRules
        """
        self.ensure_one()
        return PriceRules(
            path=self.answer_price_path or '',
            currency_path=self.answer_currency_path or '',
            currency=self.answer_currency or '',
            segments_path=self.answer_segments_path or '',
            regex=self.price_regex or '',
            # the shortest text of a float is the number that was entered
            unit_value=Decimal(repr(self.price_unit_value)).normalize(),
            is_per_segment=self.is_price_per_segment)
