# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The part of `scripts/bench` that runs inside Odoo: `python bench_odoo.py DIRECTORY_OF_ODOO_BIN ARGUMENTS`.

Reads calls from stdin, one JSON list per line ([name of a function below, argument, ...]), and writes each result as a
line of JSON to stdout. One process serves all runs of one side, so that both sides are warm and alternate.
"""
import json
import sys
import time

sys.path.insert(0, sys.argv.pop(1))

from requests.adapters import HTTPAdapter

import odoo.service.server
from odoo import SUPERUSER_ID, api
from odoo.addons.sms.tools.sms_api import SmsApi
from odoo.modules.registry import Registry
from odoo.tools import config

SEND_HTTP = HTTPAdapter.send
LIMIT = 600  # seconds for one measurement


def drain(env):
    """Run core's queue action until nothing is queued. :return float: seconds"""
    start = time.monotonic()
    env['sms.sms']._process_queue()
    while env['sms.sms'].search_count([('state', '=', 'outgoing')], limit=1):
        env['sms.sms']._process_queue()
        if time.monotonic() > start + LIMIT:
            raise TimeoutError(f"the queue is not empty after {LIMIT} s")
    return time.monotonic() - start


def claim_and_record(env):
    """Claim queued SMS and save them as accepted, in batches as in a real run, without any request.

    :return float: seconds
    """
    from odoo.addons.eis_sms_apis.sending.run import MAX_CLAIM, SAVE_SIZE
    from odoo.addons.eis_sms_apis.sending.store.store import Store
    from odoo.addons.eis_sms_apis.sending.store.transactions import OwnTransactions
    from odoo.addons.eis_sms_apis.sending.throttle import Throttle
    from odoo.addons.eis_sms_apis.tools.answer.interpretation import AnswerRules, HttpAnswer, interpret
    from odoo.addons.eis_sms_apis.tools.request.builder import Recipient

    start = time.monotonic()
    store = Store(OwnTransactions(env['sms.sms'].with_company(env.company).env))  # as the queue does
    result, = interpret(
        AnswerRules(message_id_regex='M[0-9a-f]+', success_http_codes=frozenset([200])), [Recipient('0' * 32, '', '')],
        HttpAnswer(status=200, text='{"id": "M0123456789abcdef"}', duration=50))
    while True:
        queued, configs = store.claim(
            MAX_CLAIM, None, (), Throttle(lambda _connection: LIMIT), lambda _queued, _configs: None)
        if not queued:
            return time.monotonic() - start
        for sms in queued:
            sms.attempt, sms.result = sms.attempt + 1, result
        for first in range(0, len(queued), SAVE_SIZE):
            store.save(queued[first:first + SAVE_SIZE], [], configs)


# ----------------------------------------------------------
# Sides
# ----------------------------------------------------------

def use_gateway(env, values):
    """Send through one gateway of ours, with these values of `sms.gateway`."""
    env['sms.gateway'].search([]).state = 'disabled'
    env['sms.gateway'].create(values)
    env.cr.commit()


def use_twilio(env, url):
    """Send through core's `sms_twilio`.

    The addon has Twilio's address fixed in its code. In this process alone, below the session and its pool of
    connections, requests to that host go to the loopback provider instead; without TLS, which is to the good of it.
    """
    def send(adapter, request, **kwargs):
        request.url = request.url.replace('https://api.twilio.com', url)
        return SEND_HTTP(adapter, request, **kwargs)

    HTTPAdapter.send = send
    env.company.write({
        'sms_provider': 'twilio',
        'sms_twilio_account_sid': 'AC' + '0' * 32,
        'sms_twilio_auth_token': 'secret',
        'sms_twilio_number_ids': [(0, 0, {'number': '+12025550100', 'country_id': env.ref('base.us').id})],
    })
    env.cr.commit()


def use_iap(env, url):
    """Send through core's IAP, whose endpoint is the loopback provider."""
    env['ir.config_parameter'].set_param('sms.endpoint', url)
    env.cr.commit()


def use_iap_without_network(env):
    """Send through core's IAP with a server that responds immediately, without a request."""
    SmsApi._contact_iap = lambda api, endpoint, params, timeout=15: [
        {'uuid': number['uuid'], 'state': 'success', 'credit': 1}
        for message in params['messages'] for number in message['numbers']]


def main():
    answers, sys.stdout = sys.stdout, sys.stderr
    config.parse_config(sys.argv[1:], setup_logging=True)
    odoo.service.server.start(preload=[], stop=True)
    registry = Registry(config['db_name'][0])
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        with registry.cursor() as cr:
            result = globals()[name](api.Environment(cr, SUPERUSER_ID, {}), *arguments)
        print(json.dumps(result), file=answers, flush=True)


if __name__ == '__main__':
    main()
