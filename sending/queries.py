# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Ask providers for something other than sending."""
from ..tools.answer.balance import read_balance
from ..tools.problem import Problem
from .request_pool import exchange_in_time


def ask_balance(connection, request, rules):
    """Ask for the balance of the account. Never raises.

    :param GatewayConnection connection: of the gateway
    :param HttpRequest request: to send
    :param BalanceRules rules: to read the response with
    :return: the Balance or None, and the Problem or None
    :rtype: tuple
    """
    answer = exchange_in_time(connection, request)
    if answer.status is None:
        return None, answer.reason
    if not 200 <= answer.status < 300:
        return None, Problem('query_refused', (('status', answer.status),))
    balance = read_balance(rules, answer.text)
    return balance, None if balance else Problem('no_balance')
