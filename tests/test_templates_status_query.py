# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Each template asks for the status of SMS as its provider documents: `status` of the samples in `providers/`."""
import json

from odoo.tests import tagged

from ..sending.status_queries import select_reports
from ..sending.status_query import Question, WaitingSms
from ..tools.report.query import read_answer
from . import template_samples
from .common import NUMBER, GatewayCase, get_template

PROVIDERS = 22  # that document a status query


@tagged('post_install', '-at_install')
class TestStatusQueriesOfTemplates(GatewayCase):

    def test_documented_samples(self):
        slugs = [slug for slug in template_samples.sample_slugs() if template_samples.load(slug).status]
        self.assertGreaterEqual(len(slugs), PROVIDERS)
        for slug in template_samples.template_slugs():
            self.assertEqual(get_template(self.env, slug).has_status_query, slug in slugs, slug)
        for slug in slugs:
            with self.subTest(provider=slug):
                self.check_sample(slug, template_samples.load(slug))

    def check_sample(self, slug, samples):
        sample = samples.status
        self.assertTrue(sample['source'])
        copy = get_template(self.env, slug).copy()
        copy.write(samples.values)
        query = copy.query_ids.filtered(lambda query: query.kind == 'status')
        ids = sample.get('message_ids') or [sample['message_id']]
        question = Question(query._get_status_query(), [
            WaitingSms(index, message_id, sample.get('number', NUMBER), f'{index:032x}', 1, False)
            for index, message_id in enumerate(ids, 1)])
        self.assertLessEqual(len(ids), query.ids_per_request)
        wanted = [wanted for expected in sample['answers'] for wanted in expected['reports']]
        if slug != 'unifonic':  # its only sample has no price yet
            for path, name in (('price_path', 'price'), ('segments_path', 'segment_count')):
                self.assertEqual(bool(query[path]), any(name in one for one in wanted), path)
        request = question.build()
        self.assertEqual(
            (request.method, request.url.partition('://')[2].partition('/')[2], (request.body or b'').decode()),
            (sample.get('method', 'GET'), sample['path'].removeprefix('/'), sample.get('sent', '')))
        for expected in sample['answers']:
            body = expected['body'] if isinstance(expected['body'], str) else json.dumps(expected['body'])
            answer = read_answer(question.query.rules, expected.get('http', 200), '', body, question.message_ids)
            self.assertEqual(bool(answer.problem), not expected['reports'], body)
            self.assertEqual(len(answer.reports), len(expected['reports']), body)
            self.assertFalse(any(report.failure_type and report.state != 'error' for report in answer.reports))
            for report, wanted in zip(answer.reports, expected['reports'], strict=True):
                self.check_report(report, {
                    'message_id': ids[0], 'price': '', 'price_currency': '', 'segment_count': 0, **wanted})
            _reports, ended = select_reports([(question, answer)])
            self.assertEqual(bool(ended), any(wanted.get('is_last') for wanted in expected['reports']), body)

    def check_report(self, report, wanted):
        wanted.pop('is_last', None)
        state = template_samples.STATES[wanted.pop('state')]
        self.assertEqual(report.state, state, report.status)
        self.assertEqual({name: getattr(report, name) for name in wanted}, wanted)
