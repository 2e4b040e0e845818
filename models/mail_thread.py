# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
from odoo import models


class MailThread(models.AbstractModel):
    _inherit = 'mail.thread'

    def _message_sms_with_template(
            self, template=False, template_xmlid=False, template_fallback='', partner_ids=False, **kwargs):
        """Send with the options of the template."""
        if not template and template_xmlid:
            template = self.env.ref(template_xmlid, raise_if_not_found=False)
        record = template._with_sending_options(self) if template else self
        return super(MailThread, record)._message_sms_with_template(
            template=template, template_xmlid=template_xmlid, template_fallback=template_fallback,
            partner_ids=partner_ids, **kwargs)
