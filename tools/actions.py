# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Actions that models and wizards return to the web client."""


def open_form(record, **values):
    """Return an action that opens a form.

    :param record: a record, or an empty recordset for a new record
    :param values: of the action, such as its name and target
    :rtype: dict
    """
    return {
        'type': 'ir.actions.act_window', 'res_model': record._name, 'res_id': record.id, 'views': [(False, 'form')],
        **values}
