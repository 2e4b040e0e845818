# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Whether bytes were signed with one of several keys, and whether the signed time is recent."""
import base64
import hashlib
import hmac
import re
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ..problem import ProblemError

ED25519 = 'ed25519'
MD5_HASH = 'md5_hash'  # MD5 of the content followed by the key (Vonage)
_SECONDS = re.compile('[0-9]{1,11}')


def is_genuine(algorithm: str, keys: Iterable[bytes], content: bytes, signatures: Iterable[bytes]) -> bool:
    """Return whether one of the signatures was made from the content with one of the keys.

    :param algorithm: `ed25519`, `md5_hash`, or the name of a hash function for HMAC
    :param keys: secrets, for Ed25519 public keys in Base64. An empty or unusable key signs nothing
    """
    signatures = list(signatures)
    # `any` over a list: all are compared, whichever matches
    return any([  # noqa: C419
        _matches(algorithm, key, content, signature) for key in keys if key for signature in signatures])


def _matches(algorithm, key, content, signature):
    if algorithm == ED25519:
        public_key = parse_public_key(key)
        return public_key is not None and _verifies(public_key, signature, content)
    if algorithm == MD5_HASH:
        expected = hashlib.md5(content + key, usedforsecurity=False).digest()
    else:
        expected = hmac.digest(key, content, algorithm)
    return hmac.compare_digest(expected, signature)


def parse_public_key(key: bytes) -> Ed25519PublicKey | None:
    """Return the Ed25519 key that a text in Base64 contains, None if it is not one."""
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(key.strip(), validate=True))
    except ValueError:
        return None


def _verifies(public_key, signature, content):
    try:
        public_key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def check_time(time: str, now: float, window: int) -> None:
    """Check that a signed time is recent.

    :param time: seconds since 1970, as the provider wrote it
    :param now: seconds since 1970
    :param window: the largest difference in seconds, both ways, because clocks differ; 0: the time is not checked
    :raise ProblemError: `signature_time_missing`, `signature_expired` or `signature_early`
    """
    if not window:
        return
    if not _SECONDS.fullmatch(time):
        raise ProblemError('signature_time_missing')
    check_age(now - int(time), window)


def check_age(age: float, window: int) -> None:
    """Check the seconds that have passed since something was signed.

    :raise ProblemError: `signature_expired` or `signature_early`
    """
    if age > window:
        raise ProblemError('signature_expired')
    if -age > window:
        raise ProblemError('signature_early')
