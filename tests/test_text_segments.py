# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an SMS costs: the composer, the status and the test dialog count alike; smart encoding changes the request."""
import json
import unicodedata

from odoo.tests import HttpCase, tagged

from ..tools.gsm import count_segments, is_gsm
from ..tools.smart_encoding import replace_typography
from .common import NUMBER, GatewayCase

TYPOGRAPHIC = '“Your parcel” is on its way – it arrives today between 10 and 12 o’clock, as agreed'  # 2 segments
PLAIN = '"Your parcel" is on its way - it arrives today between 10 and 12 o\'clock, as agreed'
TEXTS = (
    '', '   ', ' a\n', '\x1fa\x85', '\ufeffa', 'a\nb', 'a\r\nb', '[' + 'a' * 100, '€' * 80, '€' * 81, 'a' * 160,
    'a' * 161, 'a' * 306, 'a' * 307, 'a' * 151 + '€' + 'a' * 153, 'a' * 152 + '€' + 'a' * 152, 'ş' * 70, 'ş' * 71,
    'ş' * 134, 'ş' * 135, 'ş' * 66 + '😀' + 'ş' * 66, 'ş' * 65 + '😀' + 'ş' * 67, '😀' * 35, '😀' * 36, TYPOGRAPHIC,
    'a\u200db', 'می\u200cخواهم', '👩\u200d👧 “so”', 'cafe\u0301 “x”', 'Łukasz “x”', 'œuvre ﬁn…', 'x\u00a0y\u202fz',
)
READY = 'odoo.loader.modules.has("@eis_sms_apis/sms_widget/segments")'
COMPARE = """
    const { countSegments, isGsm, replaceTypography } = odoo.loader.modules.get(
        "@eis_sms_apis/sms_widget/segments");
    const { texts, gsm, replaced } = %s;
    for (const { text, ...expected } of texts) {
        const { encoding, characters, count } = countSegments(text);
        const found = { encoding, characters, count, replaced: replaceTypography(text) };
        if (JSON.stringify(found) !== JSON.stringify(expected)) {
            throw new Error(JSON.stringify([text, found, expected]));
        }
    }
    for (let code = 0; code < 0x10000; code++) {
        const char = String.fromCharCode(code);
        if (isGsm(char) !== gsm.includes(char)) {
            throw new Error(`isGsm of ${code}`);
        }
        const expected = char in replaced ? replaced[char] : char;
        if (/[\\p{Cn}\\p{Cs}]/u.test(char) || replaceTypography(char) === expected) {
            continue;
        }
        throw new Error(`replacement of ${code}`);
    }
    console.log("test successful");
"""
# SMS Marketing adds the length of its opt-out link in the same way
ADD = """
    const { SmsWidget } = odoo.loader.modules.get("@sms/components/sms_widget/fields_sms_widget");
    const { patch } = odoo.loader.modules.get("@web/core/utils/patch");
    patch(SmsWidget.prototype, {
        get nbrChar() {
            return super.nbrChar + 20;
        },
    });
    for (const [text, ...expected] of [
        ["a\\n" + "a".repeat(137), 159, 1, 160],
        ["[" + "a".repeat(139), 161, 2, 306],
        ["ş".repeat(50), 70, 1, 70],
        ["ş".repeat(51), 71, 2, 134],
    ]) {
        const widget = Object.create(SmsWidget.prototype);
        widget.props = { name: "body", record: { data: { body: text } } };
        const found = [widget.nbrChar, widget.nbrSMS, widget.nbrRoom];
        if (JSON.stringify(found) !== JSON.stringify(expected)) {
            throw new Error(JSON.stringify([text, found, expected]));
        }
    }
    console.log("test successful");
"""


@tagged('post_install', '-at_install')
class TestSegmentsInBrowser(GatewayCase, HttpCase):

    def test_javascript_counts_and_replaces_as_python(self):
        characters = [
            chr(code) for code in range(0x10000) if unicodedata.category(chr(code)) not in ('Cn', 'Cs')]
        table = {
            'texts': [{
                'text': text,
                'encoding': segments.encoding,
                'characters': segments.characters,
                'count': segments.count,
                'replaced': replace_typography(text),
            } for text in TEXTS for segments in (count_segments(text),)],
            'gsm': ''.join(filter(is_gsm, characters)),
            'replaced': {char: text for char in characters if (text := replace_typography(char)) != char},
        }
        self.assertGreater(len(table['replaced']), 50)
        self.browser_js('/odoo', COMPARE % json.dumps(table), login='admin', ready=READY)

    def test_what_other_addons_append_is_counted(self):
        self.browser_js('/odoo', ADD, login='admin', ready=READY)

    def test_composer(self):
        contact = self.make_contact()
        self.start_tour(f'/odoo/res.partner/{contact.id}', 'eis_sms_apis.segments', login='admin')
        self.assertEqual([text for _number, text in self.provider.sms], [PLAIN])

    def test_composer_on_a_phone(self):
        self.browser_size = '375x667'
        self.touch_enabled = True
        contact = self.make_contact()
        self.start_tour(f'/odoo/res.partner/{contact.id}', 'eis_sms_apis.segments', login='admin')
        self.assertEqual([text for _number, text in self.provider.sms], [PLAIN])


@tagged('post_install', '-at_install')
class TestSmartEncoding(GatewayCase):

    def send(self, mode, body=TYPOGRAPHIC):
        """Send a text, and return what the provider got and the figures of the status."""
        self.gateway.smart_encoding = mode
        self.provider.clear()
        sms = self.make_sms(NUMBER, body=body)
        sms.send(unlink_sent=False)
        self.assertEqual(sms.body, body, "Odoo keeps the original text.")
        status = self.status_of(sms)
        (_number, text), = self.provider.sms
        return text, (status.text_encoding, status.segment_count, status.is_text_replaced)

    def test_modes(self):
        name = f'{TYPOGRAPHIC}, Łukasz'
        plain_name = f'{PLAIN}, Lukasz'
        for mode, body, sent, figures in (
            ('off', TYPOGRAPHIC, TYPOGRAPHIC, ('unicode', 2, False)),
            ('saving', TYPOGRAPHIC, PLAIN, ('gsm', 1, True)),
            ('saving', name, name, ('unicode', 2, False)),
            ('saving', '“Hi”', '“Hi”', ('unicode', 1, False)),
            ('always', name, plain_name, ('gsm', 1, True)),
            ('always', '[€]', '[€]', ('gsm', 1, False)),
        ):
            with self.subTest(mode=mode, body=body):
                self.assertEqual(self.send(mode, body), (sent, figures))

    def test_off_is_the_default(self):
        self.assertEqual(self.make_gateway("New").smart_encoding, 'off')

    def test_chatter_keeps_the_text(self):
        self.gateway.smart_encoding = 'always'
        message = self.make_contact()._message_sms(TYPOGRAPHIC)
        self.assertIn('“Your parcel”', message.body)
        self.assertEqual([text for _number, text in self.provider.sms], [PLAIN])

    def test_encoding_value_is_that_of_the_text_that_is_sent(self):
        self.gateway.write({
            'smart_encoding': 'always', 'encoding_gsm': 'plain', 'encoding_unicode': 'ucs2',
            'parameter_ids': [(0, 0, {'key': 'coding', 'value': '{encoding}'})]})
        self.make_sms(NUMBER, body=TYPOGRAPHIC).send()
        self.assertIn(b'coding=plain', self.provider.requests[-1].body)

    def test_send_test_sms(self):
        self.gateway.smart_encoding = 'saving'
        test = self.env['sms.gateway.test'].create(
            {'gateway_id': self.gateway.id, 'number': NUMBER, 'body': TYPOGRAPHIC})
        test.action_send()
        self.assertEqual([text for _number, text in self.provider.sms], [PLAIN])
        self.assertEqual((test.segment_count, test.text_encoding, test.is_text_replaced), (1, 'gsm', True))
        self.assertEqual(test.body, TYPOGRAPHIC)

    def test_preview(self):
        gateway = self.gateway
        sample = gateway._get_sample_recipients()[0].message
        self.patch(type(self.env), '_', lambda env, text, *args, **kwargs: f'“{text}”' if text == sample else text)
        self.assertIn('text=“', gateway.request_preview)
        gateway.smart_encoding = 'always'
        self.assertIn('text="', gateway.request_preview)

    def test_segments_of_an_sms(self):
        sms = self.make_sms(NUMBER, body='[' + 'a' * 100)
        self.assertEqual((sms.segment_count, sms.text_encoding), (1, 'gsm'))
