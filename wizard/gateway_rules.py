# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Connect the ORM and `tools/gateway_file.py`: the rules of a gateway file, and the values of records."""
from dataclasses import replace

from odoo import Command, models

from ..tools.gateway_file import ORDER, ROW_ORDER, Rule
from ..tools.request.config import MASK
from ..tools.request.typed_secrets import mask_typed

# They are specific to a database.
LOCAL = frozenset(('active', 'company_id', 'sequence', 'state'))
KINDS = {'char': 'text', 'text': 'lines', 'boolean': 'boolean', 'integer': 'integer', 'float': 'number',
         'selection': 'choice', 'one2many': 'rows'}
EMPTY = {'boolean': False, 'integer': 0, 'number': 0}
SHORTEST_NAME = 8  # characters of a username; shorter ones are not masked because they can be part of other words


def get_rules(env):
    """Return the rules of a document: all fields that duplicating a gateway copies, except :data:`LOCAL`. Credentials
    are never copied.

    :rtype: dict[str, Rule]
    """
    return _get_rules(env['sms.gateway'])


def get_foreign(env):
    """Return the other fields of a gateway, which a document must not contain.

    :rtype: frozenset[str]
    """
    return frozenset(env['sms.gateway']._fields) - set(get_rules(env))


def _get_rules(model):
    fields = {
        name: field for name, field in model._fields.items()
        if field.store and field.copy and field.exportable and not field.manual and field.type in KINDS
        and name not in LOCAL and name not in models.MAGIC_COLUMNS}
    order = {name: index for index, name in enumerate((*ORDER, *ROW_ORDER))}
    names = sorted(fields, key=lambda name: (order.get(name, len(order)), name))
    return {name: _get_rule(model, fields[name]) for name in names}


def _get_rule(model, field):
    if field.type == 'one2many':
        return Rule('rows', default=[], rows=_get_rules(model.env[field.comodel_name]))
    # not default_get, which uses defaults of the user and the context
    default = field.default(model) if field.default else None
    choices = ()
    if field.type == 'selection':
        choices = (*field.get_values(model.env), *(() if field.required else ('',)))
    kind = KINDS[field.type]
    return Rule(kind, default=default or EMPTY.get(kind, ''), choices=choices, required=field.required and not default)


# === FROM RECORDS === #


def get_values(gateway):
    """Return the values of a gateway, with :data:`MASK` instead of each secret that they contain.

    :rtype: dict
    """
    gateway.ensure_one()
    rules = get_rules(gateway.env)
    values = {name: _get_value(gateway, name, rule) for name, rule in rules.items()}
    secrets = gateway._get_secrets()
    secrets = replace(secrets, names=tuple(name for name in secrets.names if len(name) >= SHORTEST_NAME))
    return _mask_texts(_mask_typed(gateway, values), rules, secrets.masker())


def _get_value(record, name, rule):
    if rule.kind != 'rows':
        return record[name] or EMPTY.get(rule.kind, '')
    rows = record[name].sorted(
        # the order of other rows has no meaning
        (lambda row: (row.sequence, row.id)) if 'sequence' in record[name] else 'display_name')
    rows = [{key: _get_value(row, key, row_rule) for key, row_rule in rule.rows.items()} for row in rows]
    # a row without key is not sent
    return [row for row in rows if all(row[key] for key, row_rule in rule.rows.items() if row_rule.required)]


def _mask_typed(gateway, values):
    masked = mask_typed(gateway._get_request_config())

    def mask_rows(name, texts):
        return [{**row, 'value': _choose(row['value'], text)} for row, text in zip(values[name], texts, strict=True)]

    return {
        **values,
        'base_url': _choose(values['base_url'], masked.url),
        'body_template': _choose(values['body_template'], masked.body_template),
        'parameter_ids': mask_rows('parameter_ids', [parameter.value for parameter in masked.parameters]),
        'header_ids': mask_rows('header_ids', [value for _key, value in masked.headers]),
    }


def _choose(text, masked):
    """Return the masked text only if it contains a mask, because it may also be formatted differently."""
    return masked if MASK in masked else text


def _mask_texts(values, rules, mask):
    def mask_value(value, rule):
        if rule.kind == 'rows':
            return [_mask_texts(row, rule.rows, mask) for row in value]
        return mask(value) if rule.kind in ('text', 'lines') else value

    return {name: mask_value(values[name], rule) for name, rule in rules.items()}


# === TO RECORDS === #


def to_create_values(model, values):
    """Return the values for `create`. They include all fields, so that defaults of the user have no effect.

    :param model: `sms.gateway`
    :param dict values: of :func:`.tools.gateway_file.check`
    :rtype: dict
    """
    def convert(name, value):
        if isinstance(value, list):
            rows = model.env[model._fields[name].comodel_name]
            return [
                Command.create({
                    **to_create_values(rows, row), **({'sequence': position} if 'sequence' in rows._fields else {})})
                for position, row in enumerate(value, 1)]
        return False if value == '' else value

    return {name: convert(name, value) for name, value in values.items()}


def get_masked_labels(model, values):
    """Return the labels of the values in which :data:`MASK` replaces a secret.

    :param model: `sms.gateway`
    :rtype: list[str]
    """
    labels = []
    for name, value in values.items():
        label = model._fields[name]._description_string(model.env)
        if isinstance(value, list):
            labels += [f'{label} ({next(iter(row.values()))})' for row in value if MASK in str(row)]
        elif isinstance(value, str) and MASK in value:
            labels.append(label)
    return labels
