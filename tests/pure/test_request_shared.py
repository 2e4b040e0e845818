# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One request carries several SMS where the gateway allows it, and each SMS once: doc/behaviour.md section 3."""
from dataclasses import replace

from ...tools.request.builder import HttpRequest, build_requests
from ...tools.request.config import Parameter
from .common import MESSAGE, NUMBER, NUMBERS, URL, PureCase, form, json_body, one, received, recipient
from .made_up import given, st


class TestSharedRequests(PureCase):
    """doc/behaviour.md section 3, Multiple recipients."""

    EACH = ['__each__', {'to': '{phone}', 'text': '{message}', 'ref': '{uuid}', 'short': '{uuid20}'}]

    def test_one_request_each_without_the_setting(self):
        sent = build_requests(form(NUMBERS, MESSAGE), [recipient(index) for index in range(3)])
        self.assertEqual([dict(received(request)[3])['to'] for request in sent], [
            '+923000000000', '+923000000001', '+923000000002',
        ])

    def test_same_text_shares_a_request(self):
        config = form(NUMBERS, MESSAGE, Parameter('ref', '{uuid}'), multiple_recipients=True, max_recipients=2)
        a, b, c, d = recipient(1, 'A'), recipient(2, 'B'), recipient(3, 'A'), recipient(4, 'A')
        sent = build_requests(config, [a, b, c, d])
        self.assertEqual([request.recipients for request in sent], [(a, c), (d,), (b,)])
        body = dict(received(sent[0])[3])
        self.assertEqual((body['to'], body['text']), ('+923000000001,+923000000003', 'A'))

    def test_numbers_as_list_and_separator(self):
        config = json_body(
            {'list': '__phones_list__', 'joined': '{phones}', 'objects': ['__each__', {'n': '__phone__'}]},
            multiple_recipients=True, separator='<',
        )
        body = received(one(config, recipient(1), recipient(2)))[3]
        self.assertEqual(body, {
            'list': ['+923000000001', '+923000000002'], 'joined': '+923000000001<+923000000002',
            'objects': [{'n': '+923000000001'}, {'n': '+923000000002'}],
        })

    def test_different_texts_with_each(self):
        config = json_body({'messages': self.EACH, 'from': '{sender}'}, multiple_recipients=True, sender='Shop')
        sms = [recipient(index, f'Text {index} {{message}} __token__ "') for index in range(3)]
        request = one(config, *sms)
        self.assertEqual(request.recipients, tuple(sms))
        self.assertEqual(received(request)[3], {'from': 'Shop', 'messages': [
            {'to': one_sms.number, 'text': one_sms.message, 'ref': one_sms.uuid, 'short': one_sms.uuid[:20]}
            for one_sms in sms
        ]})

    def test_each_at_the_root_and_without_the_setting(self):
        config = json_body(self.EACH)
        sent = build_requests(config, [recipient(1, 'A'), recipient(2, 'B')])
        self.assertEqual([len(received(request)[3]) for request in sent], [1, 1])
        self.assertEqual(len(received(one(replace(config, multiple_recipients=True), *[
            recipient(index, str(index)) for index in range(5)
        ]))[3]), 5)

    def test_the_text_outside_each_keeps_texts_apart(self):
        sms = [recipient(1, 'A'), recipient(2, 'B'), recipient(3, 'A')]
        for config in (
            json_body({'to': ['__each__', '{phone}'], 'text': '{message}'}, multiple_recipients=True),
            json_body({'m': self.EACH, 'first': '__message__'}, multiple_recipients=True),
            json_body({'m': self.EACH}, multiple_recipients=True, headers=(('X-Text', '{message}'),)),
            json_body({'m': self.EACH}, multiple_recipients=True, url=URL + '?hex={message_hex}'),
            json_body({'m': self.EACH}, multiple_recipients=True, parameters=(MESSAGE,)),
            json_body({'to': '__phones_list__'}, multiple_recipients=True),
        ):
            with self.subTest(config.body_template):
                self.assertEqual([len(request.recipients) for request in build_requests(config, sms)], [2, 1])

    def test_encodings_are_mixed_only_where_each_text_has_its_own(self):
        sms = [recipient(1, 'A'), recipient(2, 'ب'), recipient(3, 'C'), recipient(4, 'د')]
        encodings = {'encoding_gsm': 'g', 'encoding_unicode': 'u', 'multiple_recipients': True}
        own = json_body(['__each__', {'t': '{message}', 'e': '__encoding__'}], **encodings)
        self.assertEqual([item['e'] for item in received(one(own, *sms))[3]], ['g', 'u', 'g', 'u'])
        for config in (
            json_body({'m': self.EACH, 'e': '__encoding__'}, **encodings),
            json_body({'m': self.EACH}, url=URL + '?e={encoding}', **encodings),
            json_body({'m': self.EACH}, parameters=(
                Parameter('e', 'g', only_for='gsm'), Parameter('e', 'u', only_for='unicode')), **encodings),
        ):
            sent = build_requests(config, sms)
            self.assertEqual([request.recipients for request in sent], [(sms[0], sms[2]), (sms[1], sms[3])])
            for request, encoding in zip(sent, 'gu', strict=True):
                _path, query, _headers, body = received(request)
                self.assertEqual(dict(query).get('e', body.get('e')), encoding)

    def test_uuid_of_a_shared_request_is_nobodys(self):
        config = form(NUMBERS, Parameter('ref', '{uuid}'), Parameter('short', '{uuid20}'), multiple_recipients=True)
        sms = [recipient(1), recipient(2)]
        body = dict(received(one(config, *sms))[3])
        self.assertRegex(body['ref'], r'\A[0-9a-f]{32}\Z')
        self.assertEqual(body['short'], body['ref'][:20])
        self.assertNotIn(body['ref'], [one_sms.uuid for one_sms in sms])
        self.assertEqual(dict(received(one(config, *sms))[3]), body)
        self.assertNotEqual(dict(received(one(config, sms[0], recipient(3)))[3])['ref'], body['ref'])
        self.assertEqual(dict(received(one(config, sms[0]))[3])['ref'], sms[0].uuid)

    def test_a_number_stands_once_in_a_request(self):
        """Providers drop repeated numbers; and answers and reports are paired by number (doc/behaviour.md
        section 5)."""
        config = form(NUMBERS, MESSAGE, multiple_recipients=True)
        sms = [recipient(1, number='+1'), recipient(2, number='+1'), recipient(3), recipient(4, number='+1')]
        self.assertEqual([request.recipients for request in build_requests(config, sms)], [
            (sms[0], sms[2]), (sms[1],), (sms[3],),
        ])

    def test_an_older_gateway_never_drops_a_recipient(self):
        """A gateway from before {phone} was refused in shared requests names them all."""
        config = form(NUMBER, multiple_recipients=True)
        body = received(one(config, recipient(1), recipient(2)))[3]
        self.assertEqual(body, [('to', '+923000000001,+923000000002')])

    def test_nothing_to_send(self):
        self.assertEqual(build_requests(form(), []), [])
        self.assertEqual(build_requests(form(multiple_recipients=True), []), [])

    @given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(('A', 'B', 'ب')))), st.integers(1, 4), st.booleans())
    def test_every_sms_is_in_one_request(self, rows, size, each):
        sms = [recipient(index, text, f'+{number}') for index, (number, text) in enumerate(rows)]
        template = self.EACH if each else {'to': '__phones_list__', 'text': '__message__'}
        sent = build_requests(json_body(template, multiple_recipients=True, max_recipients=size), sms)
        recipients = [one_sms for request in sent for one_sms in request.recipients]
        self.assertCountEqual(recipients, sms)
        for request in sent:
            self.assertLessEqual(len(request.recipients), size)
            body = received(request)[3]
            if each:
                arrived = [(item['to'], item['text']) for item in body]
            else:
                arrived = [(number, body['text']) for number in body['to']]
            self.assertEqual(arrived, [(one_sms.number, one_sms.message) for one_sms in request.recipients])


class TestManyRecipients(PureCase):

    def test_ten_thousand_recipients(self):
        """Takes 0.2 s on two cores; the bound only catches work per recipient that belongs to the gateway."""
        config = form(
            NUMBER, MESSAGE, Parameter('from', '{sender}'), Parameter('ref', '{uuid}'), Parameter('key', '{api_key}'),
            headers=(('Authorization', 'Bearer {token}'),), sender='Shop',
        )
        sms = [recipient(index, f'Dear customer {index}, your order is on its way.') for index in range(10_000)]
        with self.assert_cheap(3):
            sent = build_requests(config, sms)
        self.assertEqual(len(sent), 10_000)
        self.assertIsInstance(sent[0], HttpRequest)
