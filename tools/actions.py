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


def show_notification(message, kind='info', title=None):
    """Return an action that shows a notification and reloads the view.

    :param str message: translated
    :param str kind: info, success, warning or danger
    :param str title: translated
    :rtype: dict
    """
    return {
        'type': 'ir.actions.client',
        'tag': 'display_notification',
        'params': {
            **({'title': title} if title else {}),
            'message': message,
            'type': kind,
            'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
        },
    }
