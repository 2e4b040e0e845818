# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Hold back SMS that look like a fault or fraud: floods, premium and satellite numbers, countries that are not
allowed. A claim calls it, so that the limits hold over all workers and servers."""
from collections import Counter
from dataclasses import dataclass

from ...tools import phone
from ...tools.problem import Problem

SAME_TEXT_PER_HOUR = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What is allowed; 0 is no limit.

    :param same_text: SMS with the same text to one number in an hour
    :param number: SMS to one number in an hour
    :param country: SMS to one country in a day
    :param is_premium_allowed: whether premium-rate and satellite numbers are allowed
    """
    same_text: int = SAME_TEXT_PER_HOUR
    number: int = 0
    country: int = 0
    is_premium_allowed: bool = False


def hold_back(env, queued, configs, limits):
    """Set the refusal of SMS that must not be sent.

    :param list[QueuedSms] queued: locked, with their candidates
    :param dict configs: GatewayConfig of all Active gateways by id
    :param Limits limits: what is allowed
    """
    if not limits.is_premium_allowed:
        for sms in queued:
            if sms.e164 and phone.is_premium_or_satellite(sms.e164):
                _refuse(sms, 'sms_not_allowed', Problem('premium_number'))
    _check_countries(env, queued, configs)
    _check_numbers(env, [sms for sms in queued if _is_limited(sms)], limits)


def count_countries(env, queued, limit):
    """Count the SMS that are claimed for the first time by country, and set the refusal of those above the limit. One
    that is queued again, for example because its gateway is paused, was counted then.

    :param list[QueuedSms] queued: locked, without those that stay in the queue
    :param int limit: see `Limits.country`
    """
    by_country = {}
    for sms in queued if limit else ():
        if sms.is_new and _is_limited(sms):
            by_country.setdefault(phone.get_country(sms.e164), []).append(sms)
    for country in sorted(filter(None, by_country)):  # a consistent lock order
        group = by_country[country]
        total = env['sms.gateway.flood']._count(country, len(group), limit)
        for sms in group[max(0, len(group) - max(0, total - limit)):]:
            _refuse(sms, 'sms_not_allowed', Problem('flood_country', (('limit', limit), ('country', country))))


def _is_limited(sms):
    """Return whether limits for floods apply: a mailing or mass SMS was confirmed by a user, as was a retry."""
    return not (sms.refusal or sms.is_confirmed)


def _check_countries(env, queued, configs):
    """Refuse what the company may not send, and what no gateway may send: routing has left those out."""
    of_companies = env['res.company']._get_allowed_sms_countries()
    is_limited = any(config.countries for config in configs.values())
    for sms in queued if is_limited or of_companies else ():
        country = phone.get_country(sms.e164)
        if country not in of_companies.get(sms.company_id, {country}):
            _refuse(sms, 'sms_country_not_supported', Problem('country_of_company', (('country', country or ''),)))
        elif is_limited and not sms.candidates:
            _refuse(sms, 'sms_country_not_supported', Problem('country_of_gateways', (('country', country or ''),)))


def _check_numbers(env, queued, limits):
    if not queued or not (limits.same_text or limits.number):
        return
    env.cr.execute("""
        SELECT number, md5(body), count(*) FROM sms_sms
        WHERE number = ANY(%s) AND first_attempt_date > (clock_timestamp() AT TIME ZONE 'UTC') - interval '1 hour'
        AND state IN ('process', 'pending', 'sent') GROUP BY 1, 2
    """, [list({sms.number for sms in queued})])
    same_text = Counter({(number, text): count for number, text, count in env.cr.fetchall()})
    of_number = Counter()
    for (number, _text), count in same_text.items():
        of_number[number] += count
    for sms in queued:
        text = sms.number, sms.text_hash
        if limits.same_text and same_text[text] >= limits.same_text:
            _refuse(sms, 'sms_not_allowed', Problem('flood_text', (('limit', limits.same_text),)))
        elif limits.number and of_number[sms.number] >= limits.number:
            _refuse(sms, 'sms_not_allowed', Problem('flood_number', (('limit', limits.number),)))
        else:
            same_text[text] += 1
            of_number[sms.number] += 1


def _refuse(sms, failure_type, problem):
    sms.refusal = failure_type, problem
    sms.candidates = ()  # no gateway has refused it
    sms.delay = 0  # nor can a paused one send it later
