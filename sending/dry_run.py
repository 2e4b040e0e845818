# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Answer requests of a dry-run gateway in place of a provider, for staging and tests: nothing is sent."""
import json
from dataclasses import dataclass

from ..tools.answer.interpretation import AnswerRules, HttpAnswer
from ..tools.problem import Problem
from ..tools.request.builder import HttpRequest

# the last digit of the number decides; any other is delivered at once
REFUSED, THROTTLED, SILENT, LATE, UNDELIVERED, LOST = '1', '2', '3', '4', '5', '6'
LATE_SECONDS = 60
RETRY_AFTER = 5  # seconds

ANSWER_RULES = AnswerRules(
    items_path='messages[]', number_path='to', message_id_path='id', status_path='status', error_code_path='code',
    error_message_path='error', error_values=('refused',),
    failure_map=(('invalid_number', 'sms_number_format', 'refused'),))


@dataclass(frozen=True, slots=True)
class DryRun:
    """
    :param is_recovering: whether the gateway was paused, so that a throttled number is accepted now
    """
    is_recovering: bool = False

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """Return the response to a request. A throttled or lost number affects all recipients, as with a provider."""
        digits = {_last_digit(recipient.number) for recipient in request.recipients}
        if LOST in digits:
            return HttpAnswer(status=None, failure='timeout', reason=Problem('timeout'))
        if THROTTLED in digits and not self.is_recovering:
            return HttpAnswer(
                status=429, text='{"dry_run": "Nothing was sent. The limit is exceeded."}',
                headers={'retry-after': str(RETRY_AFTER)})
        return HttpAnswer(status=200, text=json.dumps({
            'dry_run': "Nothing was sent.", 'messages': [_answer_one(recipient) for recipient in request.recipients]}))


def read_report(number: str) -> str:
    """Return the state of the delivery report that follows an accepted SMS.

    :return: 'success', 'error', or '' if there is none
    """
    digit = _last_digit(number)
    if digit in (REFUSED, SILENT, LOST):
        return ''
    return 'error' if digit == UNDELIVERED else 'success'


def _answer_one(recipient):
    item = {'to': recipient.number, 'id': recipient.uuid}
    if _last_digit(recipient.number) == REFUSED:
        return {**item, 'status': 'refused', 'code': 'invalid_number', 'error': "The number does not exist."}
    return {**item, 'status': 'accepted'}


def _last_digit(number):
    return number.strip()[-1:]
