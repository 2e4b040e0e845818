# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""JSON Web Tokens with HMAC (RFC 7515, RFC 7519), the only ones that providers sign delivery reports with."""
import base64
import json
import re
from collections.abc import Iterable
from typing import Any

from ..problem import ProblemError
from .verification import check_age, is_genuine

MAX_LENGTH = 16 * 1024  # characters of a token
CLOCK_SKEW = 60  # seconds
# The whole list of what is accepted. `none` and algorithms with a public key never are: with the latter, a caller could
# sign with the public key as if it was the secret (RFC 8725, 2.1).
_ALGORITHMS = {'HS256': 'sha256', 'HS384': 'sha384', 'HS512': 'sha512'}
_TOKEN = re.compile(r'([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)')


def read_token(token: str, keys: Iterable[bytes], now: float, window: int) -> tuple[bytes, dict[str, Any]]:
    """Return the content of a token, as bytes and as claims, if it was signed with one of the keys and is valid now.

    :param now: seconds since 1970
    :param window: the largest age in seconds of a token that says when it was issued; 0: any age
    :raise ProblemError: if the token is refused
    """
    if len(token) > MAX_LENGTH:
        raise ProblemError('token_too_long')
    match = _TOKEN.fullmatch(token)
    if not match:
        raise ProblemError('token_malformed')
    header, payload, signature = map(_decode, match.groups())
    content = token.rpartition('.')[0].encode()
    if not is_genuine(_get_algorithm(_parse(header)), keys, content, [signature]):
        raise ProblemError('signature_wrong')
    claims = _parse(payload)
    _check_times(claims, now, window)
    return payload, claims


def _decode(text):
    try:
        return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))
    except ValueError:
        raise ProblemError('token_malformed') from None


def _parse(content):
    try:
        document = json.loads(content.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ProblemError('token_malformed') from None
    if not isinstance(document, dict):
        raise ProblemError('token_malformed')
    return document


def _refuse(name):
    raise ValueError(name)


def _get_algorithm(header):
    """Return the hash function that the header of a token names."""
    algorithm = header.get('alg')
    if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
        raise ProblemError('token_algorithm')
    if 'crit' in header:  # extensions that must be understood (RFC 7515, 4.1.11)
        raise ProblemError('token_malformed')
    return _ALGORITHMS[algorithm]


def _check_times(claims, now, window):
    """Check the registered claims `exp`, `nbf` and `iat`, as far as a token has them."""
    times = {name: claims[name] for name in ('exp', 'nbf', 'iat') if claims.get(name) is not None}
    if any(isinstance(time, bool) or not isinstance(time, (int, float)) for time in times.values()):
        raise ProblemError('token_malformed')
    if now >= times.get('exp', now + 1) + CLOCK_SKEW:
        raise ProblemError('signature_expired')
    if now < times.get('nbf', now) - CLOCK_SKEW:
        raise ProblemError('signature_early')
    if window and 'iat' in times:
        check_age(now - times['iat'], window)
