# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Ask providers for the status of SMS whose delivery report is missing (doc/status_queries.md).

Responses are stored as if they were delivery reports, so the order of states is that of reports. This runs in a thread
of its own beside the sending of a queue job, and shares with it only the rate limit and the pauses of gateways.
"""
import logging
import threading
import time
from collections import defaultdict
from datetime import timedelta
from functools import partial

from odoo import fields

from ..tools.answer.waiting import read_wait
from ..tools.problem import ProblemError
from ..tools.report.query import StatusAnswer, read_answer
from .request_pool import RequestPool, exchange_in_time
from .run import MAX_WAIT, SendRun
from .status_query import make_questions
from .store import waiting
from .store.claims import trigger_queue
from .store.transactions import OwnTransactions, is_in_test

_logger = logging.getLogger(__name__)

MAX_SECONDS = 60  # of one run
# Share of the places under a rate limit that questions take, so that SMS are not delayed
RATE_SHARE = 0.25
LEAD = 0.05  # seconds until the first request of a round can start
MAX_AHEAD = 1  # seconds for which places are reserved
MIN_TRIGGER, MAX_TRIGGER = 60, 24 * 3600  # seconds after which the queue action asks again
MAX_CONNECTIONS = 8  # requests of a round and gateway

_running: set[str] = set()  # databases
_lock = threading.Lock()


def ask_aside(env, queries, gateway_ids, deadline):
    """Ask providers in a thread, so that a slow one delays neither SMS nor the queue action.

    :param env: its database, language and companies are used, but not its cursor
    :param list[StatusQuery] queries: whose gateways have SMS that are due
    :param list gateway_ids: of all gateways that are asked, for which the queue action is triggered afterwards
    :param float deadline: `time.monotonic()` by which the last response must have arrived
    """
    run = StatusRun(env, queries, gateway_ids, min(deadline, time.monotonic() + MAX_SECONDS))
    if is_in_test():
        run.run()
        return
    name = env.cr.dbname
    with _lock:
        if name in _running:
            return  # the run of the job before
        _running.add(name)

    def work():
        threading.current_thread().dbname = name  # for the log, as in Odoo's threads
        try:
            run.run()
        except Exception:
            _logger.exception("Providers could not be asked for the status of SMS")
        finally:
            with _lock:
                _running.discard(name)

    # not a daemon, because responses must be saved before the process ends
    threading.Thread(target=work, name='sms-status', daemon=False).start()


def trigger_next(env, waits):
    """Trigger the queue action for the next question.

    :param dict waits: see `find_next_questions`
    """
    if waits:
        seconds = min(max(min(waits.values()), MIN_TRIGGER), MAX_TRIGGER)
        trigger_queue(env, fields.Datetime.now() + timedelta(seconds=seconds))


def ask_now(question):
    """Ask one question while a user waits. Never raises.

    :param Question question: not built yet
    :rtype: StatusAnswer
    """
    try:
        request = question.build()
    except ProblemError as error:
        return StatusAnswer(problem=error.problem)
    return _read(question, exchange_in_time(question.query.connection, request))


class StatusRun:
    """The questions of one job.

    :param env, queries, gateway_ids, deadline: see `ask_aside`
    """

    def __init__(self, env, queries, gateway_ids, deadline):
        self._transactions = OwnTransactions(env)
        self._gateway_ids = gateway_ids
        self._deadline, self._period = deadline, deadline - time.monotonic()
        self._queries = {query.gateway_id: query for query in queries}
        self._not_before = defaultdict(float)  # {gateway id: `time.monotonic()` of its next round}

    def run(self):
        """Ask until no SMS is due or the time is over, and trigger the queue action for the next ones."""
        try:
            self._ask_due()
        finally:
            self._transactions.write(
                lambda env: trigger_next(env, waiting.find_next_questions(env, self._gateway_ids)), 0)

    def _ask_due(self):
        """Ask in small rounds, because another worker may ask as well."""
        while self._queries and time.monotonic() < self._deadline and not SendRun.is_told_to_stop():
            now = time.monotonic()
            due = [query for query in self._queries.values() if self._not_before[query.gateway_id] <= now]
            if not due:
                next_round = min(self._not_before[gateway_id] for gateway_id in self._queries)
                if next_round >= self._deadline:
                    return
                time.sleep(min(next_round - now, MAX_WAIT))
                continue
            questions = []
            for query in due:
                questions += self._claim(query)
            if questions:
                self._ask(questions)

    def _claim(self, query):
        """Take the questions of one round."""
        size = min(query.connection.connections, MAX_CONNECTIONS)
        if query.rate_limit:
            size = max(1, min(size, int(RATE_SHARE * query.rate_limit)))
        taken = []

        def claim(env):
            taken.clear()
            timeout = env['sms.gateway.status']._get_report_timeout()
            all_sms = waiting.claim_waiting(env, query, size * query.ids_per_request, timeout)
            questions = make_questions(query, all_sms)
            if query.rate_limit and questions:
                times, _free = env['sms.gateway.throttle']._reserve(
                    query.gateway_id, [(1, MAX_AHEAD)] * len(questions), query.rate_limit, LEAD)
                for question, (moment, _place) in zip(questions, times, strict=False):
                    question.not_before = moment
                waiting.put_back(env, [sms for question in questions[len(times):] for sms in question.all_sms])
                questions = questions[:len(times)]
                self._not_before[query.gateway_id] = (
                    time.monotonic() + (len(questions) / RATE_SHARE / query.rate_limit if questions else MAX_AHEAD))
            elif not questions:
                self._queries.pop(query.gateway_id, None)
            taken.extend(questions)

        if not self._transactions.write(claim, 0):
            self._queries.pop(query.gateway_id, None)
        return taken

    def _ask(self, questions):
        """Send the requests of a round, and store what the responses say."""
        answers = []
        with RequestPool(self._deadline, self._period) as pool:
            asked = self._submit(pool, questions, answers)
            unsent = self._collect(pool, asked, answers)
        if unsent:
            self._transactions.write(lambda env: waiting.put_back(env, unsent), len(unsent))
        by_gateway = defaultdict(list)
        for answer in answers:
            by_gateway[answer[0].query.gateway_id].append(answer)
        for gateway_id, group in by_gateway.items():
            self._store(gateway_id, group)

    def _submit(self, pool, questions, answers):
        """
        :param list answers: receives a StatusAnswer for each question that has no request
        :return: {id of the request: Question}
        :rtype: dict
        """
        asked = {}
        for question in questions:
            try:
                request = question.build()
            except ProblemError as error:
                answers.append((question, StatusAnswer(problem=error.problem), None))
                continue
            asked[id(request)] = question
            pool.submit(question.query.connection, request, question.not_before)
        return asked

    def _collect(self, pool, asked, answers):
        """Collect the responses until all have arrived, or the server is stopping: then the SMS are asked about again
        after the interval.

        :param list answers: receives the Question, its StatusAnswer and the HttpAnswer of each response
        :return: the SMS whose request was not sent
        :rtype: list[WaitingSms]
        """
        unsent = []
        while len(pool) and not SendRun.is_told_to_stop():
            collected = pool.collect(MAX_WAIT)
            if not collected and time.monotonic() > self._deadline + 1:
                collected = pool.abandon()
            for request, response in collected:
                question = asked[id(request)]
                if response is None:
                    unsent += question.all_sms
                    self._put_off(question.query, pool)
                else:
                    answers.append((question, _read(question, response), response))
        return unsent

    def _put_off(self, query, pool):
        """Ask again a little later, because a request missed its place under the rate limit, or not in this run if no
        time is left."""
        if pool.get_time_to_start(query.connection) > 0:
            self._not_before[query.gateway_id] = time.monotonic() + MAX_AHEAD
        else:
            self._queries.pop(query.gateway_id, None)

    def _store(self, gateway_id, group):
        """Store the responses of one gateway. It is not asked again in this run if it refuses to answer."""
        failure = next(((answer, response) for _question, answer, response in group if answer.is_failure), None)
        problem = next((answer.problem for _question, answer, _response in group if answer.problem), None)
        seconds = None
        if failure:
            query = self._queries.pop(gateway_id, group[0][0].query)
            problem, response = failure[0].problem, failure[1]
            seconds = read_wait(response.headers or {}, response.text or '', query.wait_header, query.wait_regex)
        env = self._transactions.env
        env['sms.gateway']._store_answers(
            gateway_id, [(question, answer) for question, answer, _response in group], self._deadline)
        self._transactions.write(partial(
            _note_questions, gateway_id=gateway_id, problem=problem, is_failure=bool(failure), seconds=seconds), 0)


def _note_questions(env, gateway_id, problem, is_failure, seconds):
    env['sms.gateway.throttle']._note_questions(gateway_id, problem, is_failure, seconds)


def select_reports(answers):
    """Return what responses add to what is known. An SMS that is still pending is asked about many times, so only its
    first pending report is kept, and those with a price until one is known: some SMS never get a final report.

    :param list answers: pairs of Question and StatusAnswer
    :return: the reports, and the ids of status rows whose provider will not report more than that
    :rtype: tuple[list[DeliveryReport], list[int]]
    """
    reports, ended = [], []
    for question, answer in answers:
        for report in answer.reports:
            all_sms = [sms for sms in question.all_sms if sms.message_id == report.message_id]
            is_last = report.state == 'pending' and question.query.rules.is_last(report)
            if is_last and len(all_sms) == 1:
                ended += [sms.id for sms in all_sms]
            is_news = not all(sms.has_report and (sms.has_price or not report.price) for sms in all_sms)
            if report.state != 'pending' or is_last or is_news:
                reports.append(report)
    return reports, ended


def _read(question, response):
    if response.status is None:
        return StatusAnswer(problem=response.reason, is_failure=True)
    headers = response.headers or {}
    return read_answer(
        question.query.rules, response.status, headers.get('content-type', ''), response.text, question.message_ids)


