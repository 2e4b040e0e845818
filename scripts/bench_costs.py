# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`scripts/bench costs`: the statistics of what SMS cost.

All parts, or those named: month rows. `month` saves 100,000 SMS over three gateways and compares the statistics with
the invoices; `rows` groups a million statuses as the pivot does.
"""
import os
import subprocess
import sys
import time

import bench_callbacks
import environment
from bench_side import run_parts

ROWS = 1_000_000
SMS = 100_000
SECONDS = 1
GROUPS = (
    'gateway_id', 'country_code', 'company_id', 'campaign_name', 'mailing_name', 'sms_template_id', 'user_id',
    'document_model')
FIGURES = ['cost:sum', 'company_currency_id:array_agg_distinct', 'cost:sum_currency', 'segment_count:sum', '__count']


class Side(bench_callbacks.Side):
    """A database with statuses, and a server; a context manager."""
    database = 'bench_costs'

    def _fill(self, gateway_id):
        if gateway_id:
            self.sql("""
                INSERT INTO sms_gateway_status (
                    gateway_id, company_id, sms_id_int, sms_uuid, number, state, outcome, http_code, response_text,
                    message_id, attempt, duration, text_encoding, segment_count, price, price_currency, price_source,
                    cost, company_currency_id, country_code, create_uid, document_model, mailing_id_int, mailing_name,
                    campaign_name, sent_date, delivered_date, create_date)
                SELECT %s, 1, n, md5(n::text), '+32470' || lpad(n::text, 7, '0'), 'success', 'accepted', 200,
                       '{"id": "' || md5(n::text) || '", "price": 0.0525}' || repeat(' ', 150), 'M-' || n, 1, 80, 'gsm',
                       1 + n %% 3, 0.0525 * (1 + n %% 3), 'EUR', 'response', 0.0525 * (1 + n %% 3), company.currency_id,
                       (ARRAY['BE', 'DE', 'FR', 'NL', 'GB', 'US', 'IT', 'ES'])[1 + n %% 8], 2, 'res.partner',
                       1 + n %% 20, 'Mailing ' || n %% 20, 'Campaign ' || n %% 4, clock, clock + interval '3 s', clock
                FROM generate_series(1, %s) AS n, res_company company,
                     LATERAL (SELECT now() AT TIME ZONE 'UTC' - n * interval '2 s' AS clock) AS sent
                WHERE company.id = 1
            """, gateway_id, self.size)
            self.sql('VACUUM ANALYZE sms_gateway_status')
        return []


def month(scale):
    """the statistics of a month against the invoices"""
    count = round(SMS * scale)
    start = time.perf_counter()
    test = subprocess.run(
        [sys.executable, environment.REPOSITORY / 'scripts' / 'test', 'TestStatistics.test_month'],
        env={**os.environ, 'EIS_SMS_MONTH': str(count)}, capture_output=True, text=True, check=False)
    yield (f'{count:,} SMS over three gateways, rates in two currencies', f'{time.perf_counter() - start:,.0f} s',
           test.stdout.splitlines()[-1], 'equal to the cent', not test.returncode)


def rows(scale):
    """a million statuses, as the pivot groups them"""
    with Side(0, round(ROWS * scale)) as side:
        for name in GROUPS:
            times = []
            for _run in range(3):
                start = time.perf_counter()
                side.client.call('sms.gateway.cost', 'formatted_read_grouping_sets', [[], [[], [name]], FIGURES])
                times.append(time.perf_counter() - start)
            middle = sorted(times)[1]
            yield f'{side.size:,} statuses by {name}', f'{middle:.2f} s', '', f'< {SECONDS} s', middle < SECONDS


PARTS = {part.__name__: part for part in (month, rows)}


def main(parts, scale):
    """
    :param parts: names of `PARTS`; all if empty
    :param float scale: of all numbers of SMS and rows
    :return: whether every goal is reached
    """
    return run_parts(PARTS, parts, scale, ('what', 'ours', 'result'))
