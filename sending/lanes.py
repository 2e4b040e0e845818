# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The order in which queued SMS are sent."""

URGENT, NORMAL, BULK = LANES = 'urgent', 'normal', 'bulk'  # in descending alphabetical order, by which SQL sorts them
SINGLE_LIMIT = 20  # SMS of one transaction; more are bulk
BULK_EVERY = 10  # one of so many SMS is bulk while others wait, so that bulk SMS never starve


def order_by_lane(queued, since_bulk=0):
    """Return the SMS in the order in which they take connections and places under a rate limit: urgent before normal
    before bulk, but with one bulk SMS after every 9 others.

    :param list[QueuedSms] queued: of any lane
    :param int since_bulk: number of others that were sent since the last bulk SMS
    :rtype: list[QueuedSms]
    """
    queued = sorted(queued, key=lambda sms: (LANES.index(sms.lane), sms.id))
    others = [sms for sms in queued if sms.lane != BULK]
    bulk = queued[len(others):]
    ordered = []
    while others and bulk:
        count = max(BULK_EVERY - 1 - since_bulk, 0)
        ordered += others[:count]
        del others[:count]
        ordered.append(bulk.pop(0))
        since_bulk = 0
    return ordered + others + bulk


def choose_lane(asked, is_mass, count):
    """
    :param asked: lane that the caller asked for, if any
    :param bool is_mass: whether a mass SMS or a mailing creates the SMS
    :param int count: number of SMS that the transaction has created so far, including this one
    :rtype: str
    """
    if asked in LANES:
        return asked
    return BULK if is_mass or count > SINGLE_LIMIT else NORMAL
