# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Matches regular expressions of administrators with responses of providers, in bounded time.

Python cannot interrupt a match, and a match holds the GIL: `(a+)+b` on 30 letters stops all threads of the process.
Dangerous patterns cannot be recognized by their text; a plain `\\d+x` takes 20 s on 64 KiB of digits. Therefore a
helper process makes the matches, which can be interrupted and killed. It starts with the first match and ends with this
process.

This file is also the helper's program, so it imports the standard library only.
"""
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

_logger = logging.getLogger(__name__)

CPU_SECONDS = 1  # maximum for the matches in one text, however busy the machine is
SECONDS = 10  # after which the helper is killed: it did not stop by itself, or did not start
PAUSE = 600  # seconds for which a pattern that took longer is not used again
MAX_MATCHES = 10_000  # in one text
MAX_CHARACTERS = 1_000_000  # of all groups of all matches together
TOO_LONG = 'too long'


@dataclass(frozen=True, slots=True)
class Found:
    """The matches of a pattern.

    :ivar names: number of each named group
    :ivar groups: how many groups the pattern has
    :ivar rows: for each match the whole match, then its groups, '' for a group that did not participate
    """
    names: dict[str, int] = field(default_factory=dict)
    groups: int = 0
    rows: tuple[tuple[str, ...], ...] = ()


def find(pattern: str, text: str, limit: int = MAX_MATCHES) -> Found:
    """Find the matches of a pattern in a text. Never raises.

    :return: no matches for an invalid pattern, and for one that takes too long
    """
    if not pattern or not text:
        return Found()
    if time.monotonic() < _paused_until.get(pattern, 0):
        return Found()
    try:
        return _helper.find(pattern, text, limit)
    except FutureTimeoutError:
        _paused_until[pattern] = time.monotonic() + PAUSE
        _logger.warning("A regular expression takes too long and is not used for %s s: %s", PAUSE, pattern)
    except (OSError, TypeError, ValueError) as error:
        _logger.error("Regular expressions are not matched, the helper process failed: %s", type(error).__name__)
    return Found()


def stop() -> None:
    """Stop the helper until it is needed again."""
    _helper.stop()


class _Helper:
    """The helper process, shared by the threads of this process."""

    def __init__(self):
        self._lock = threading.Lock()
        self._reader = ThreadPoolExecutor(1, 'sms-regex')
        self._process = None

    def find(self, pattern, text, limit):
        """Find the matches of a pattern in a text.

        :raise FutureTimeoutError: if it takes too long
        :raise OSError, TypeError, ValueError: if there is no helper
        """
        question = json.dumps([pattern, text, limit]).encode() + b'\n'
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._stop()
                # isolated from environment variables and site-packages
                self._process = subprocess.Popen(  # noqa: S603 - of nothing but this file
                    [sys.executable, '-I', '-S', __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL)
            try:
                answer = json.loads(self._reader.submit(_exchange, self._process, question).result(SECONDS))
            except BaseException:
                self._stop()
                raise
        if answer == TOO_LONG:
            raise FutureTimeoutError
        if answer is None:
            return Found()
        names, groups, rows = answer
        return Found(names, groups, tuple(map(tuple, rows)))

    def stop(self):
        with self._lock:
            self._stop()

    def _stop(self):
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                pipe.close()


def _exchange(process, question):
    process.stdin.write(question)
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer.endswith(b'\n'):
        raise OSError
    return answer


def _forget():
    """Forget the helper after a fork: the new process has neither the thread nor a helper of its own."""
    global _helper  # one helper for each process
    process, _helper = _helper._process, _Helper()
    if process:
        process.returncode = 0  # it is not the child of this process
        process.stdin.close()
        process.stdout.close()


_helper = _Helper()
_paused_until: dict[str, float] = {}
if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_forget)


# === IN THE HELPER === #


@lru_cache(maxsize=256)
def _compile(pattern):
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return None


def _match(pattern, text, limit):
    """Return names, number of groups and rows, ready for JSON; None for an invalid pattern."""
    regex = _compile(pattern)
    if regex is None:
        return None
    rows, size = [], 0
    for match in regex.finditer(text):
        row = [match[0], *(group or '' for group in match.groups())]
        size += sum(map(len, row))
        if len(rows) >= limit or size > MAX_CHARACTERS:
            break
        rows.append(row)
    return dict(regex.groupindex), regex.groups, rows


def _interrupt(*_args):
    raise TimeoutError


def _serve():
    has_timer = hasattr(signal, 'setitimer')  # on Windows the helper is killed instead
    if has_timer:
        signal.signal(signal.SIGVTALRM, _interrupt)
    for question in sys.stdin.buffer:
        try:
            if has_timer:
                signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
            answer = _match(*json.loads(question))
        except TimeoutError:
            answer = TOO_LONG
        finally:
            if has_timer:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        sys.stdout.buffer.write(json.dumps(answer).encode() + b'\n')
        sys.stdout.buffer.flush()


if __name__ == '__main__':
    _serve()
