# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, fields, models

from ..sending.run import SendRun

BY_KEYWORD = 'sms_by_keyword'  # in the context: the recipient decided, by SMS or at the provider


class PhoneBlacklist(models.Model):
    _inherit = 'phone.blacklist'

    is_from_keyword = fields.Boolean(
        "By Recipient", readonly=True, copy=False,
        help="The recipient opted out by SMS or at the provider, so START removes the number. Numbers that a user "
             "added stay.")
    keyword_subscriptions = fields.Json(  # ids of `mailing.subscription`, which may not be installed
        "Unsubscribed by Keyword", readonly=True, copy=False, groups='base.group_system')

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """A number added by a user stays blacklisted, even if its recipient opted out before."""
        by_keyword = bool(self.env.context.get(BY_KEYWORD))
        entries = super().create([{**vals, 'is_from_keyword': by_keyword} for vals in vals_list])
        self.env.cr.postcommit.add(SendRun.look_for_unwanted)
        if not by_keyword:
            entries.filtered(lambda entry: entry.active and entry.is_from_keyword).is_from_keyword = False
        return entries

    def write(self, vals):
        if 'active' in vals:
            self.env.cr.postcommit.add(SendRun.look_for_unwanted)
            vals = {**vals, 'is_from_keyword': bool(vals['active'] and self.env.context.get(BY_KEYWORD))}
        return super().write(vals)
