# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which gateways get nothing more in a run, and what the other workers must know of it."""
from operator import itemgetter

from .retry import RETRY_DELAY

MAX_SILENT = 3  # requests in a row without a response after which a gateway is paused
SILENT = ('timeout', 'broken')


class Pauses(dict):
    """The paused gateways of a run: the seconds after which each may be asked again, and the result for which it is
    paused, by gateway id."""

    def __init__(self):
        super().__init__()
        self._silent = {}  # {gateway id: requests in a row that had no response}
        self._unsaved = {}  # {gateway id: seconds that it asked for, or None}
        self._responded = set()

    def add(self, gateway_id, delay, asked, reason):
        """Pause a gateway.

        :param int delay: seconds after which its SMS may be sent
        :param int asked: seconds that the provider asked for, None if it did not: the pause then grows with each one
            in a row, and counts once for all requests that were under way together
        :param SendResult reason: the result for which it is paused
        """
        if asked is not None or gateway_id not in self:
            known = [seconds for seconds in (asked, self._unsaved.get(gateway_id)) if seconds is not None]
            self._unsaved[gateway_id] = max(known, default=None)
        self[gateway_id] = max((delay, reason), self.get(gateway_id, (0, None)), key=itemgetter(0))

    def note_response(self, gateway_id, failure, reason):
        """Pause a gateway that has stopped responding: the outcome of each further SMS would be unknown, too.

        :param str failure: see `HttpAnswer`, empty if there was a response
        :return: whether the gateway is paused now
        :rtype: bool
        """
        if failure not in SILENT:
            self._silent.pop(gateway_id, None)
            return False
        self._silent[gateway_id] = self._silent.get(gateway_id, 0) + 1
        if self._silent[gateway_id] < MAX_SILENT:
            return False
        self.add(gateway_id, RETRY_DELAY, None, reason)
        return True

    def note_success(self, gateway_id):
        """Note that a provider responds: its next pause is a short one again."""
        self._responded.add(gateway_id)

    def find_earliest(self, gateway_ids):
        """
        :return: the seconds and the reason of the gateway that may be asked first
        :rtype: tuple[int, SendResult]
        """
        return min((self[gateway_id] for gateway_id in gateway_ids), key=itemgetter(0))

    def take_unsaved(self):
        """
        :return: the pauses since the last call, seconds or None by gateway id, and the gateways that have responded
        :rtype: tuple[dict, list]
        """
        unsaved, self._unsaved = self._unsaved, {}
        # what was under way when a gateway was paused may still have been accepted
        responded, self._responded = sorted(self._responded - self.keys()), set()
        return unsaved, responded
