# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Prometheus' text format, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
# {name: help}
METRICS = {
    'eis_sms_healthy': "1 if there is no incident.",
    'eis_sms_incidents': "Open incidents.",
    'eis_sms_queue_length': "Queued SMS, by lane.",
    'eis_sms_queue_oldest_seconds': "For how long the oldest SMS has been queued, by lane.",
    'eis_sms_sent': "SMS that were accepted in the last 15 minutes, by gateway.",
    'eis_sms_failed': "SMS that failed in the last 15 minutes, by gateway.",
    'eis_sms_failed_attempts': "Failed attempts of the last 15 minutes that were followed by another, by gateway.",
    'eis_sms_reports': "Delivery reports of the last 15 minutes, by gateway.",
    'eis_sms_paused_seconds': "Remaining pause of the gateway.",
}


def to_prometheus(figures):
    """Format the figures of `sms.gateway.health`.

    :param dict figures: see `_get_figures`
    :rtype: str
    """
    samples = {name: [] for name in METRICS}
    samples['eis_sms_healthy'].append(({}, int(figures['is_healthy'])))
    samples['eis_sms_incidents'].append(({}, figures['incidents']))
    for lane, values in figures['queue'].items():
        for key, value in values.items():
            samples[f'eis_sms_queue_{key}'].append(({'lane': lane}, value))
    for gateway in figures['gateways']:
        labels = {'gateway': gateway['name'], 'id': gateway['id']}
        for key in ('sent', 'failed', 'failed_attempts', 'reports', 'paused_seconds'):
            samples[f'eis_sms_{key}'].append((labels, gateway[key]))
    lines = []
    for name, values in samples.items():
        lines += [f'# HELP {name} {METRICS[name]}', f'# TYPE {name} gauge']
        lines += [f'{name}{_format_labels(labels)} {value}' for labels, value in values]
    return '\n'.join(lines) + '\n'


def _format_labels(labels):
    pairs = ','.join(f'{key}="{_escape(str(value))}"' for key, value in labels.items())
    return f'{{{pairs}}}' if pairs else ''


def _escape(value):
    return value.replace('\\', r'\\').replace('"', r'\"').replace('\n', r'\n')
