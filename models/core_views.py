# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What core's views and labels say of IAP, in a company whose SMS gateways send.

SMS Marketing, Inventory and others need not be installed, so XML cannot inherit their views: the architecture is
changed after core has combined it. A node that is not there is left out, because core's views change.
"""
from lxml import etree

from odoo import api, models

ADMINISTRATOR = 'base.group_system'


def _change_mailing(env, arch, through_gateways):
    """The banners of a form and a kanban card lead to an account at IAP, whatever made the SMS fail."""
    if not through_gateways:
        return
    for link in arch.xpath("//*[@name='action_buy_sms_credits']"):
        if link.xpath("ancestor-or-self::*[contains(@invisible, 'sms_has_unregistered_account')]"):
            text = env._("SMS failed: the provider refused the account.")
        else:
            text = env._("SMS failed: the provider reports insufficient credit.")
        _set_text(link, text)
        link.set('groups', ADMINISTRATOR)  # it opens the gateways, see `iap.account.get_credits_url`
        plain = etree.Element('span', groups=f'!{ADMINISTRATOR}')
        plain.text = f'{text} {env._("Ask an administrator to check it.")}'
        link.addnext(plain)


def _change_trace(_env, arch, through_gateways):
    """Core shows the words of an SMS provider in no view of its own."""
    if not arch.xpath("//field[@name='sms_number']") or arch.xpath("//field[@name='failure_reason']"):
        return  # a view of e-mails, or one that has them
    for failure_type in arch.xpath("/list//field[@name='failure_type'] | /form//field[@name='failure_type']"):
        reason = etree.Element('field', name='failure_reason')
        if arch.tag == 'list':
            reason.set('optional', 'show' if through_gateways else 'hide')
        else:
            reason.set('invisible', 'not failure_reason')
        failure_type.addnext(reason)


def _change_settings(_env, arch, through_gateways):
    """The buttons of IAP make an account there; our own view takes care of those among the settings of SMS."""
    if not through_gateways:
        return
    for widget in arch.xpath("//widget[@name='iap_buy_more_credits'][@service_name='sms']"):
        if 'sms_use_iap' not in widget.get('invisible', ''):
            widget.set('invisible', '1')
    for setting in arch.xpath("//setting[contains(@documentation, '/sms_marketing/pricing/')]"):
        del setting.attrib['documentation']


def _change_iap_account(env, arch, through_gateways):
    """An account that is not registered keeps no SMS from being sent."""
    if not through_gateways:
        return
    for button in arch.xpath("//div/button[@name='action_open_registration_wizard']"):
        alert = button.getparent()
        _set_text(alert, env._("SMS gateways send your SMS. Only Use IAP and IAP Fallback need this account."))
        alert.set('class', 'alert alert-info mb-0')


def _set_text(node, text):
    del node[:]
    node.text = text


CHANGES = {
    'iap.account': _change_iap_account,
    'mailing.mailing': _change_mailing,
    'mailing.trace': _change_trace,
    'res.config.settings': _change_settings,
}


class Base(models.AbstractModel):
    _inherit = 'base'

    @api.model
    def _get_view_cache_key(self, view_id=None, view_type='form', **options):
        key = super()._get_view_cache_key(view_id, view_type, **options)
        return (*key, self.env.company._uses_sms_gateways()) if self._name in CHANGES else key

    @api.model
    def _get_view(self, view_id=None, view_type='form', **options):
        arch, view = super()._get_view(view_id, view_type, **options)
        if change := CHANGES.get(self._name):
            change(self.env, arch, self.env.company._uses_sms_gateways())
        return arch, view


class IrModelFields(models.Model):
    _inherit = 'ir.model.fields'

    @api.model
    def get_field_selection(self, model_name, field_name):
        """Core calls `sms_acc` an unregistered account, which is IAP's; a provider refuses an account or its key."""
        selection = super().get_field_selection(model_name, field_name)
        if field_name != 'failure_type' or not self.env.company._uses_sms_gateways():
            return selection
        return [(value, self.env._("Account Refused") if value == 'sms_acc' else label) for value, label in selection]
