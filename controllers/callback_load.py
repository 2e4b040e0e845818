# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Limits the database connections that calls from providers use at once."""
import collections
import functools
import logging
import random
import threading
import time

from psycopg2.pool import PoolError
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.wrappers import Response

from odoo.http import RegistryError, Request
from odoo.tools import config

from ..models import sms_gateway_callback, sms_gateway_inbound_settings

_logger = logging.getLogger(__name__)

PATHS = (sms_gateway_callback.PATH, sms_gateway_inbound_settings.PATH)
WAIT_SECONDS = 10  # for a place, and for a connection if other requests use all of them
POLL_SECONDS = 0.1
RETRY_AFTER = '10'  # seconds
DATABASE_HEADER = 'HTTP_X_ODOO_DATABASE'  # what a reverse proxy may name
LOG_SECONDS = 60
DRAIN_SECONDS = 5  # a stopping server waits for the thread that applies what was received
PAUSE_SECONDS = 0.5  # between two batches: what calls bring meanwhile is applied together, which costs less
BACKLOG_PAUSE_SECONDS = 0.25  # the same while calls bring more than a batch takes: both compete for the interpreter
DATABASE_SECONDS = 10  # for which a host's database is remembered
MAX_HOSTS = 100

MAX_PLACES = 8  # more calls at once only compete for the interpreter

_drains = {}  # {(database, gateway id, model): whether rows were stored since the drain began}
_drains_lock = threading.Lock()
_databases = {}  # {host: its only database, and time.monotonic() until which it is remembered}
_last_warning = {}


class Places:
    """A semaphore whose waiters take turns: with Python's own, a new call may be faster than those that wait, and some
    of them wait in vain.

    :param int count: how many are free
    """

    def __init__(self, count):
        self._free, self._waiters, self._lock = count, collections.deque(), threading.Lock()

    def acquire(self, timeout):
        """
        :param float timeout: seconds
        :return: whether there was a place in time
        :rtype: bool
        """
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiters.append(turn)
        if turn.acquire(timeout=timeout):
            return True
        with self._lock:
            if turn not in self._waiters:
                return True  # it was given just now
            self._waiters.remove(turn)
            return False

    def release(self):
        """Give a place to the one who waits longest."""
        with self._lock:
            if self._waiters:
                self._waiters.popleft().release()
            else:
                self._free += 1


# Calls of providers use at most a quarter of this process's database connections. The others are left to users.
_places = Places(max(1, min(MAX_PLACES, config['db_maxconn'] // 4)))


class Place:
    """The right of a call to use a database connection."""

    def __init__(self):
        self._is_taken = False

    def take(self):
        """
        Idempotent.

        :return: whether there was a place in time
        :rtype: bool
        """
        self._is_taken = self._is_taken or _places.acquire(timeout=WAIT_SECONDS)
        return self._is_taken

    def free(self):
        """Give the place back. Idempotent."""
        if self._is_taken:
            self._is_taken = False
            _places.release()


def answer_busy():
    """Return the response of a call that cannot be stored now."""
    return Response("Service Unavailable", 503, {'Retry-After': RETRY_AFTER}, mimetype='text/plain')


def is_body_here(http_request):
    """Look whether a call has arrived completely, so that reading its body will not wait for the network. The answer
    may be no if it is large, or if the web server is not Odoo's.

    :param http_request: the request of the call, whose body was not read
    :rtype: bool
    """
    environ = getattr(http_request, '_HTTPRequest__environ', {})  # with the stream
    if 'HTTP_TRANSFER_ENCODING' in environ:
        return False
    if not http_request.content_length:
        return True
    stream, connection = environ.get('wsgi.input'), environ.get('werkzeug.socket')
    if not connection or not hasattr(stream, 'peek'):
        return False
    timeout = connection.gettimeout()
    connection.settimeout(0)
    try:
        return len(stream.peek()) >= http_request.content_length
    except OSError:
        return False
    finally:
        connection.settimeout(timeout)


def start_drain(key, drain):
    """Run a drain in a thread, see `drain_once`. Not when the response is closed: Werkzeug skips that if the client
    resets the connection."""
    with _drains_lock:
        if key in _drains:
            _drains[key] = True
            return
    # not a daemon, so that a transaction ends before the process does
    threading.Thread(target=_drain_in_thread, args=(key, drain), name='sms-drain', daemon=False).start()


def _drain_in_thread(key, drain):
    threading.current_thread().dbname = key[0]  # for the log, as in Odoo's threads
    drain_once(key, drain)


def drain_once(key, drain):
    """Run a drain unless one of the same key is running in this process, which then starts over.

    :param tuple key: database, gateway id and model
    :param drain: called with `time.monotonic()` by which it must end and leave the rest to the queue action, and the
        function to call between two batches. It is called again if there are new rows
    """
    with _drains_lock:
        if key in _drains:
            _drains[key] = True
            return
        _drains[key] = False
    try:
        while True:
            drain(time.monotonic() + DRAIN_SECONDS, functools.partial(_pause, key))
            with _drains_lock:
                if not _drains[key]:
                    del _drains[key]
                    return
                _drains[key] = False
    except Exception:
        _logger.exception("What gateway %s received is applied later", key[1])
        with _drains_lock:
            _drains.pop(key, None)


def _remember_database(post_init):
    """Remember the only database of a host for some seconds: Odoo opens a new connection for each request without a
    session, to list the databases.

    :param post_init: the method of `Request` that chooses the database
    """

    @functools.wraps(post_init)
    def remembered(request):
        http_request = request.httprequest
        environ = http_request.environ
        if (not http_request.path.startswith(PATHS) or http_request.cookies.get('session_id')
                or DATABASE_HEADER in environ):
            return post_init(request)
        host, now = environ.get('HTTP_HOST'), time.monotonic()
        database, until = _databases.get(host, (None, now))
        if until <= now:
            post_init(request)
            if len(_databases) >= MAX_HOSTS:
                _databases.clear()
            if request.db:
                _databases[host] = request.db, now + DATABASE_SECONDS
            return None
        environ[DATABASE_HEADER] = database
        try:
            return request_post_init(request)
        finally:
            del environ[DATABASE_HEADER]

    request_post_init = post_init.__wrapped__  # opens no connection now, and needs no place
    return remembered


def _pause(key, has_more, longest=PAUSE_SECONDS):
    """Wait between two batches, at most `longest` seconds, unless there is a backlog and no calls add to it."""
    with _drains_lock:
        is_wanted, _drains[key] = _drains[key], False  # what was stored so far is found by the next batch
    if not has_more:
        time.sleep(min(PAUSE_SECONDS, longest))
    elif is_wanted:
        time.sleep(min(BACKLOG_PAUSE_SECONDS, longest))


def _limit_connections(function):
    """Make calls wait for a place before Odoo opens a connection, which is before any controller or `ir.http` runs. If
    there is none in time, the answer is 503 instead of a traceback, or of the 404 of a request without database.

    :param function: a method of `Request` that opens a connection
    """

    @functools.wraps(function)
    def limited(request):
        if not request.httprequest.path.startswith(PATHS):
            return function(request)
        request.eis_sms_place = place = Place()
        deadline = time.monotonic() + WAIT_SECONDS
        if not place.take():
            _refuse("too many calls at once")
        try:
            while True:
                try:
                    return function(request)
                except PoolError as error:
                    if time.monotonic() > deadline:
                        _refuse(error)
                except RegistryError as error:
                    _refuse(error.__cause__ or error)
                time.sleep(POLL_SECONDS * random.random())  # noqa: S311
        finally:
            place.free()

    return limited


def _refuse(reason):
    now = time.monotonic()
    if now - _last_warning.get('time', -LOG_SECONDS) >= LOG_SECONDS:
        _last_warning['time'] = now
        _logger.warning("Delivery callbacks are answered 503, because there is no database connection: %s", reason)
    error = ServiceUnavailable()
    error.error_response = answer_busy()  # what Odoo answers, whatever the content type of the call
    raise error


Request._post_init = _remember_database(_limit_connections(Request._post_init))  # lists the databases
Request._serve_db = _limit_connections(Request._serve_db)
