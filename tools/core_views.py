# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Changes to core's combined views in a company whose SMS gateways send. Pure lxml.

SMS Marketing, Inventory and other addons may not be installed, so XML cannot inherit their views. Nodes that are
missing are ignored, because core's views change.
"""
from lxml import etree


def change_credit_links(arch, credit, account, contact, group):
    """Replace the texts of the banners about IAP credits and accounts in mailings.

    :param str credit: the banner about credits
    :param str account: the banner about the account
    :param str contact: what users outside the group read in addition, instead of the link
    :param str group: external id of the group that may follow the link
    """
    for link in arch.xpath("//*[@name='action_buy_sms_credits']"):
        is_account = link.xpath("ancestor-or-self::*[contains(@invisible, 'sms_has_unregistered_account')]")
        text = account if is_account else credit
        _set_text(link, text)
        link.set('groups', group)
        plain = etree.Element('span', groups=f'!{group}')
        plain.text = f'{text} {contact}'
        link.addnext(plain)


def add_cancel_button(arch, action_id, label, question):
    """Add a button that cancels a mailing's queued SMS to the line with their number.

    :param int action_id: the action of the button
    :param str label: of the button
    :param str question: to confirm first
    """
    _add_queue_button(arch, action_id, label, question)


def _add_queue_button(arch, action_id, label, question, **attributes):
    """Add a button to the line with the number of a mailing's queued SMS."""
    for count in arch.xpath("/form//button[@name='action_view_traces_scheduled']"):
        count.addnext(etree.Element('button', {
            'name': str(action_id), 'type': 'action', 'string': label, 'confirm': question,
            'class': 'btn btn-link py-0', 'invisible': "mailing_type != 'sms'", **attributes}))


def add_figures(arch):
    """Add how many recipients opted out by SMS, and what the SMS cost, to the figures of a mailing."""
    # not at the end, which may be hidden under More
    for bounced in arch.xpath("/form//div[@name='button_box']/button[@name='action_view_bounced']"):
        bounced.addnext(etree.Element('widget', {
            'name': 'eis_sms_opt_outs', 'invisible': "mailing_type != 'sms' or state in ('draft', 'test')"}))
        etree.SubElement(bounced.getparent(), 'widget', {
            'name': 'eis_sms_mailing_cost', 'invisible': "mailing_type != 'sms' or state in ('draft', 'test')"})


def add_sms_template(arch):
    """Add the SMS template to the forms of SMS mailings, which core does not show. It fills the text, and its DLT
    Template ID and Message Type apply."""
    if arch.xpath("//field[@name='sms_template_id']"):
        return
    for body in arch.xpath("/form//field[@name='body_plaintext']"):
        group = etree.Element('group')
        group.append(etree.Element('field', {
            'name': 'sms_template_id', 'readonly': "state in ('sending', 'done')",
            'domain': "[('model', '=', mailing_model_real)]"}))
        body.addprevious(group)


def change_queue_text(arch, text):
    """Replace the text that queued SMS of a mailing "will be sent soon": they may wait for hours, or for a budget.

    :param str text: what follows their number
    """
    for span in arch.xpath("/form//span[@name='scheduled_text_sms']"):
        _set_text(span, text)


def add_release_button(arch, action_id, label, question):
    """Add a button that releases the budget for which a mailing's SMS wait to the line with their number.

    :param int action_id: the action of the button
    :param str label: of the button
    :param str question: to confirm first
    """
    _add_queue_button(arch, action_id, label, question, groups='base.group_system')


def add_estimate_button(arch, action_id, label):
    """Add a button that estimates what an SMS mailing costs before it is sent.

    :param int action_id: the action of the button
    :param str label: of the button
    """
    for test in arch.xpath("/form/header/button[@name='action_test']"):
        test.addnext(etree.Element('button', {
            'name': str(action_id), 'type': 'action', 'string': label, 'class': 'btn-secondary',
            'invisible': "mailing_type != 'sms' or state in ('sending', 'done') or not id"}))


def add_trace_reason(arch, is_shown):
    """Add the failure reason to lists and forms of SMS traces, which core does not show.

    :param bool is_shown: whether lists show the column by default
    """
    if not arch.xpath("//field[@name='sms_number']") or arch.xpath("//field[@name='failure_reason']"):
        return  # a view of e-mails, or one that has the field
    for failure_type in arch.xpath("/list//field[@name='failure_type'] | /form//field[@name='failure_type']"):
        reason = etree.Element('field', name='failure_reason')
        if arch.tag == 'list':
            reason.set('optional', 'show' if is_shown else 'hide')
        else:
            reason.set('invisible', 'not failure_reason')
        failure_type.addnext(reason)
        if arch.tag == 'list':  # the reason is long and leaves no room for numbers
            for number in arch.xpath("//field[@name='sms_number']"):
                number.set('width', '140px')


def hide_iap_settings(arch):
    """Hide IAP's buttons, which create an account there, outside the settings of SMS, where our own view does it."""
    for widget in arch.xpath("//widget[@name='iap_buy_more_credits'][@service_name='sms']"):
        if 'sms_use_iap' not in widget.get('invisible', ''):
            widget.set('invisible', '1')
    for setting in arch.xpath("//setting[contains(@documentation, '/sms_marketing/pricing/')]"):
        del setting.attrib['documentation']


def change_registration_alert(arch, text):
    """Replace the alert about an unregistered IAP account, which does not stop SMS from being sent.

    :param str text: the new alert
    """
    for button in arch.xpath("//div/button[@name='action_open_registration_wizard']"):
        alert = button.getparent()
        _set_text(alert, text)
        alert.set('class', 'alert alert-info mb-0')


def _set_text(node, text):
    del node[:]
    node.text = text
