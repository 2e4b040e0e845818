# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
import base64

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.gateway_file import MAX_BYTES, GatewayFileError, check, read
from .gateway_rules import get_foreign, get_masked_labels, get_rules, to_create_values


class SmsGatewayImport(models.TransientModel):
    """Creates gateways from a JSON document, without changing existing ones."""
    _name = 'sms.gateway.import'
    _description = "Import SMS Gateways"
    _rec_name = 'file_name'

    file = fields.Binary("File", attachment=False, help="Select a file that was exported from SMS Gateways.")
    file_name = fields.Char("File Name")
    document = fields.Text("Text", help="Paste the content of an exported file.")
    preview = fields.Text("Gateways to Create", compute='_compute_preview')
    problem = fields.Text("Problem", compute='_compute_preview')

    # === COMPUTE METHODS === #

    @api.depends('file', 'document')
    def _compute_preview(self):
        for wizard in self:
            wizard.preview = wizard.problem = False
            if not wizard.file and not (wizard.document or '').strip():
                continue
            try:
                wizard.preview = '\n\n'.join(map(wizard._describe, wizard._read()))
            except UserError as error:
                wizard.problem = str(error)

    # === ACTION METHODS === #

    def action_import(self):
        """Create the gateways, all or none, and open them."""
        self.ensure_one()
        model = self.env['sms.gateway']
        gateways = model.create([to_create_values(model, values) for values in self._read()])
        action = {'type': 'ir.actions.act_window', 'res_model': gateways._name, 'name': self.env._("SMS Gateways")}
        if len(gateways) == 1:
            return {**action, 'res_id': gateways.id, 'views': [(False, 'form')]}
        return {**action, 'domain': [('id', 'in', gateways.ids)], 'views': [(False, 'list'), (False, 'form')]}

    # === BUSINESS METHODS === #

    def _read(self):
        """
        :return: the values of the gateways
        :rtype: list[dict]
        :raise UserError: if the document is invalid
        """
        try:
            return check(read(self._get_document()), get_rules(self.env), get_foreign(self.env))
        except GatewayFileError as error:
            raise UserError(self._explain(error)) from error

    def _get_document(self):
        if not self.file:
            return self.document or ''
        content = self.with_context(bin_size=False).file
        if len(content) > MAX_BYTES * 4 // 3 + 4:
            raise GatewayFileError('too_large', limit=MAX_BYTES)
        return base64.b64decode(content)

    def _describe(self, values):
        """Summarize a gateway in a few lines."""
        model = self.env['sms.gateway']
        counts = ', '.join(
            f'{model._fields[name]._description_string(self.env)}: {len(value)}'
            for name, value in values.items() if isinstance(value, list))
        lines = [values['name'], f'{values["method"].upper()} {values["base_url"]}', counts]
        if model.with_context(active_test=False).search_count([('name', '=', values['name'])], limit=1):
            lines.append(self.env._("A gateway with this name already exists. The import creates another one."))
        masked = get_masked_labels(model, values)
        if masked:
            lines.append(self.env._("After the import, enter the secrets shown as ***: %s", ', '.join(masked)))
        return '\n'.join(lines)

    def _explain(self, error):
        """
        :param GatewayFileError error:
        :rtype: str
        """
        values = {
            **error.values,
            'path': error.path,
            'kind': self._get_kinds().get(error.values.get('kind')),
            'choices': ', '.join(filter(None, error.values.get('choices', ()))),
        }
        return self._get_sentences()[error.code] % values

    def _get_sentences(self):
        return {
            'too_large': self.env._(
                "The file is larger than 1 MiB. Export fewer gateways at a time."),
            'not_utf8': self.env._("The file isn't text in UTF-8. Select a JSON file exported from SMS Gateways."),
            'not_json': self.env._(
                "The file isn't valid JSON: line %(line)s, column %(column)s. Correct it there, or export it again."),
            'not_gateways': self.env._(
                "The file doesn't contain SMS gateways. Select a JSON file exported from SMS Gateways."),
            'newer_version': self.env._(
                "The file has version %(version)s, but this addon reads versions up to %(known)s. Upgrade the addon, "
                "or export the file with an older one."),
            'duplicate_key': self.env._("%(path)s appears twice in one object. Remove one of them."),
            'unknown_key': self.env._(
                "%(path)s is unknown. Check the spelling, or upgrade the addon if the file comes from a newer "
                "version."),
            'foreign_key': self.env._(
                "%(path)s is not part of a gateway file. Remove it, and set it on the form after the import."),
            'missing_key': self.env._("%(path)s is missing. Enter a value."),
            'wrong_type': self.env._("%(path)s must be %(kind)s."),
            'unknown_value': self.env._('%(path)s must not be "%(value)s". Use one of: %(choices)s.'),
            'out_of_range': self.env._("%(path)s is too large. Enter a number up to %(limit)s."),
            'bad_character': self.env._("%(path)s contains a character that cannot be stored. Remove it."),
        }

    def _get_kinds(self):
        text, number = self.env._("text in quotation marks"), self.env._("a number")
        return {
            'text': text,
            'choice': text,
            'lines': self.env._("text in quotation marks, or a list of lines"),
            'boolean': self.env._("true or false"),
            'integer': self.env._("a whole number"),
            'number': number,
            'rows': self.env._("a list in square brackets"),
            'object': self.env._("an object in braces"),
        }
