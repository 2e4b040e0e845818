# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""`scripts/bench encoding`: what *Smart Encoding* saves and how long it takes, with texts that people wrote.

The texts are those of Odoo's own translations, because they are real, installed with Odoo and as long as SMS.
"""
import re
import sys
import time

import environment
from bench_side import print_table

LANGUAGES = ('cs', 'de', 'es', 'fr', 'it', 'pl', 'pt', 'tr')
TEXTS = 125  # per language
MODULES = ('account', 'calendar', 'event', 'hr_recruitment', 'mail', 'sale', 'stock', 'website_sale')
LENGTHS = range(50, 400)  # of a text
LIMIT_MS = 0.05  # per SMS
REPEAT = 20  # times that all texts are encoded
MARKUP = re.compile(r'<[^>]+>|%\(\w+\)s|%s|\{\{.*?\}\}|&\w+;')


def main():
    """:return: whether no text becomes longer and the limit of time is met."""
    environment.reexec()
    sys.path.insert(0, str(environment.REPOSITORY))
    from tools.gsm import count_segments, is_gsm
    from tools.smart_encoding import ALWAYS, OFF, SAVING, encode

    lines = [('language', 'texts', 'Unicode', 'segments', *(f'{mode}: segments, Unicode, longer, ms per SMS'
                                                           for mode in (SAVING, ALWAYS)))]
    is_reached = True
    for language in (*LANGUAGES, None):
        texts = [text for known in LANGUAGES if language in (known, None) for text in read_texts(known)]
        line = [language or 'all', str(len(texts)), str(sum(not is_gsm(text) for text in texts)),
                str(sum(count_segments(encode(text, OFF)).count for text in texts))]
        for mode in (SAVING, ALWAYS):
            start = time.process_time()
            for _time in range(REPEAT):
                encoded = [encode(text, mode) for text in texts]
            seconds = (time.process_time() - start) / REPEAT / len(texts)
            segments = [count_segments(text).count for text in encoded]
            longer = sum(count > count_segments(text).count for count, text in zip(segments, texts, strict=True))
            line.append(f'{sum(segments)}, {sum(not is_gsm(text) for text in encoded)}, {longer}, {seconds * 1000:.3f}')
            is_reached = is_reached and not longer and seconds * 1000 < LIMIT_MS
        lines.append(line)
    print_table(lines)
    return is_reached


def read_texts(language):
    """:return list[str]: texts of Odoo's translations, evenly from MODULES."""
    import polib

    found = {}
    # addons/ in a checkout, odoo/addons/ in Debian's package
    directory = next(environment.odoo_home().glob('**/addons/mail/i18n')).parents[1]
    for module in MODULES:
        for entry in polib.pofile(str(directory / module / 'i18n' / f'{language}.po')):
            text = ' '.join(MARKUP.sub(' ', entry.msgstr).split())
            if len(text) in LENGTHS:
                found[text] = None
    return list(found)[::max(1, len(found) // TEXTS)][:TEXTS]
