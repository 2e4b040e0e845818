# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Parse the output of a test run into counts and the parts that explain failures."""
import re
from dataclasses import dataclass, field

ODOO_RECORD = re.compile(r'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ \d+ (?P<level>[A-Z]+) \S+ (?P<logger>\S+): (?P<text>.*)')
ODOO_RESULT = re.compile(r'(?P<failed>\d+) failed, (?P<errors>\d+) error\(s\) of (?P<run>\d+) tests when loading')
ODOO_START = re.compile(r'Starting (?P<test>[\w.]+) \.\.\.')
ODOO_SKIPPED = re.compile(r'skipped \S+ : ')
ODOO_AFTERTHOUGHTS = ('At least one test failed when loading the modules.',)

UNITTEST_RUN = re.compile(r'^Ran (\d+) tests? in', re.MULTILINE)
UNITTEST_FAILED = re.compile(r'^FAILED \((.*)\)$', re.MULTILINE)
UNITTEST_SKIPPED = re.compile(r'^(?:OK|FAILED) \(.*\bskipped=(\d+)', re.MULTILINE)

MAX_LINES = 150  # lines of the log of one failing test


@dataclass
class Outcome:
    """Counts of tests that ran; ``problems`` are printed, and each is a text for a developer."""
    passed: int = 0
    failed: int = 0
    problems: list[str] = field(default_factory=list)

    def __add__(self, other):
        return Outcome(self.passed + other.passed, self.failed + other.failed, self.problems + other.problems)


def read_command(text, exit_code):
    """:return Outcome: of a command that is one test, such as a linter: its exit code decides."""
    return Outcome(failed=1, problems=[text.rstrip()]) if exit_code else Outcome(passed=1)


def read_unittest(text, exit_code):
    """:return Outcome: of Python's unittest. A skipped test counts as failed, so that no test is left out silently."""
    ran = UNITTEST_RUN.search(text)
    if not ran or not int(ran[1]):
        return Outcome(failed=1, problems=[f'No test ran.\n{text.rstrip()}'])
    failed_line = UNITTEST_FAILED.search(text)
    counts = dict(part.split('=') for part in failed_line[1].split(', ')) if failed_line else {}
    skipped = UNITTEST_SKIPPED.search(text)
    failed = sum(int(counts.get(key, 0)) for key in ('failures', 'errors', 'unexpected successes'))
    failed += int(skipped[1]) if skipped else 0
    return _outcome(int(ran[1]), failed, exit_code, [text.rstrip()])


def read_odoo(text, exit_code):
    """:return Outcome: of an Odoo process that ran tests, from its log.

    A skipped test counts as failed, and so does a run that logged an error in whatever place: a test that
    provokes one mutes it.
    """
    results = list(ODOO_RESULT.finditer(text))
    run = sum(int(result['run']) for result in results)
    if not run:
        return Outcome(failed=1, problems=['No test ran.', *(_failing_parts(text) or [_tail(text)])])
    failed = sum(int(result['failed']) + int(result['errors']) for result in results)
    skipped = [record['text'] for record in map(ODOO_RECORD.match, text.splitlines())
               if record and ODOO_SKIPPED.match(record['text'])]
    problems = [*_failing_parts(text), *skipped]
    if not failed and len(problems) > len(skipped):
        failed = 1
    return _outcome(run, failed + len(skipped), exit_code, problems or [_tail(text)])


def _outcome(run, failed, exit_code, problems):
    if exit_code and not failed:
        failed = 1
        problems = [*problems, f'It ended with exit code {exit_code}.']
    return Outcome(max(0, run - failed), failed, problems if failed else [])


def _failing_parts(text):
    """:return: the log of each test, and of loading, in which there is an error, a list of str."""
    parts = [[]]
    for line in text.splitlines():
        record = ODOO_RECORD.match(line)
        if record and ODOO_START.match(record['text']):
            parts.append([])
        parts[-1].append(line)
    return [_tail('\n'.join(part)) for part in parts if any(map(_is_error, part))]


def _is_error(line):
    if line.startswith('Traceback (most recent call last)'):
        return True
    record = ODOO_RECORD.match(line)
    return bool(record and record['level'] in ('ERROR', 'CRITICAL') and not ODOO_RESULT.search(line)
                and record['text'].strip() not in ODOO_AFTERTHOUGHTS)


def _tail(text):
    lines = text.splitlines()
    return '\n'.join([f'({len(lines) - MAX_LINES} lines before)', *lines[-MAX_LINES:]] if len(lines) > MAX_LINES
                     else lines)
