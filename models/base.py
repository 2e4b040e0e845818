# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import api, models

from ..tools import core_views

CHANGED_MODELS = ('iap.account', 'mailing.mailing', 'mailing.trace', 'res.config.settings')


def _change_view(env, model_name, arch, uses_gateways):
    """Adapt a view of core while gateways send: remove IAP, and show the provider's error messages."""
    if model_name == 'mailing.trace':
        core_views.add_trace_reason(arch, is_shown=uses_gateways)
    elif not uses_gateways:
        return
    elif model_name == 'mailing.mailing':
        core_views.change_credit_links(
            arch,
            credit=env._("SMS failed: the provider reports insufficient credit."),
            account=env._("SMS failed: the provider refused the account."),
            contact=env._("Ask an administrator to check it."),
            group='base.group_system',  # the link opens the gateways, see `iap.account.get_credits_url`
        )
        core_views.add_figures(arch)
        if env['sms.gateway']._has_template_values():
            core_views.add_sms_template(arch)
        core_views.change_queue_text(arch, env._("SMS are in the queue. Click to see what they wait for."))
        if action := env.ref('eis_sms_apis.action_cancel_queued_sms', raise_if_not_found=False):
            core_views.add_cancel_button(
                arch, action.id, env._("Cancel Queued SMS"),
                env._("SMS that are being sent cannot be canceled. Cancel the others?"))
        action = env.ref('eis_sms_apis.action_release_budget_of_mailing', raise_if_not_found=False)
        if action and env['sms.gateway.budget']._has_any():
            core_views.add_release_button(
                arch, action.id, env._("Send Above Budget"),
                env._("SMS that wait for a budget go on, and so do all others until the end of the month. Release it?"))
        if action := env.ref('eis_sms_apis.action_estimate_mailing', raise_if_not_found=False):
            core_views.add_estimate_button(arch, action.id, env._("Estimate Cost"))
    elif model_name == 'res.config.settings':
        core_views.hide_iap_settings(arch)
    elif model_name == 'iap.account':
        core_views.change_registration_alert(
            arch, env._("SMS gateways send your SMS. Only Use IAP and IAP Fallback require this account."))


class Base(models.AbstractModel):
    _inherit = 'base'

    @api.model
    def _get_view_cache_key(self, view_id=None, view_type='form', **options):
        key = super()._get_view_cache_key(view_id, view_type, **options)
        if self._name not in CHANGED_MODELS:
            return key
        shows = self._name == 'mailing.mailing' and (
            self.env['sms.gateway']._has_template_values(), self.env['sms.gateway.budget']._has_any())
        return (*key, self.env.company._uses_sms_gateways(), shows)

    @api.model
    def _get_view(self, view_id=None, view_type='form', **options):
        arch, view = super()._get_view(view_id, view_type, **options)
        if self._name in CHANGED_MODELS:
            _change_view(self.env, self._name, arch, self.env.company._uses_sms_gateways())
        return arch, view
