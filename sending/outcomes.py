# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Collect what a run has to save: SMS with a result, and SMS that are queued again."""
from ..tools.answer.interpretation import SendResult
from ..tools.problem import Problem
from .queued_sms import QueuedSms, not_sent


class Outcomes:
    """The SMS of a run that are finished or queued again.

    :param is_immediate: whether the caller needs each result immediately, so that no SMS can be queued again
    """

    def __init__(self, is_immediate: bool = False):
        self._is_immediate = is_immediate
        self.finished: list[QueuedSms] = []
        self.requeued: list[QueuedSms] = []
        self.ended: list[QueuedSms] = []  # all SMS that an immediate run has finished

    def finish(self, sms: QueuedSms, result):
        """Add an SMS with its result."""
        sms.result = result
        self.finished.append(sms)
        if self._is_immediate:
            self.ended.append(sms)

    def requeue(self, sms: QueuedSms, delay: int = 0, reason: SendResult | None = None):
        """Add an SMS that is queued again.

        :param delay: seconds until it may be sent
        :param reason: the result that causes the delay
        """
        if self._is_immediate:
            self.finish(sms, not_sent('sms_server', reason.problem, reason.error_message) if reason
                        else not_sent('sms_server', Problem('no_time_left')))
            return
        sms.delay, sms.reason = delay, reason
        self.requeued.append(sms)

    def has_unsaved(self) -> bool:
        return bool(self.finished or self.requeued)

    def take(self) -> tuple[list[QueuedSms], list[QueuedSms]]:
        """Return the finished and the requeued SMS since the last call."""
        finished, self.finished = self.finished, []
        requeued, self.requeued = self.requeued, []
        return finished, requeued
