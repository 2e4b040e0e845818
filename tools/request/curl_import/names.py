# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a value of a sample request means, by the name in front of it and by its shape. Nothing here knows a provider."""
import re
from collections.abc import Sequence

import phonenumbers
from phonenumbers import NumberParseException

from .scanner import VARIABLE_END, VARIABLE_START

# What a value of a request can mean. The first eleven are placeholders of the gateway.
NUMBER, MESSAGE, SENDER, UUID, CALLBACK = 'phone', 'message', 'sender', 'uuid', 'callback_url'
API_KEY, TOKEN, USERNAME, PASSWORD, ACCOUNT = 'api_key', 'token', 'username', 'password', 'account_id'
FIXED, REMOVED = 'fixed', 'removed'
SECRETS = (API_KEY, TOKEN, USERNAME, PASSWORD)
MEANINGS = (NUMBER, MESSAGE, SENDER, *SECRETS, ACCOUNT, UUID, CALLBACK, FIXED, REMOVED)

_WORD = re.compile(r'[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_]+')


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FROM = _set('from sender source src originator origin originating orig remitente expediteur emetteur absender gonderen '
             'remetente cli callerid oa tpoa mask masking shortcode fr frm')
_TO = _set('to tos recipient recipients receiver receivers recepient recepients destination destinations dest dests dst da '
           'destinatario destinatarios destinataire destinataires addressee addressees target targets para empfaenger alici '
           'destino tujuan sendto recv rcpt receipient receptor receptors')
_PHONE = _set('phone phones number numbers msisdn msisdns mobile mobiles mobil mob cell cellphone cellphones cellular gsm tel '
              'telephone telephones telefon telefone telefono celular handphone hp num nums nomor numero numeros num no nos '
              'phonenumber phonenumbers mobilenumber mobilenumbers mobileno mobilenos phoneno cellno gsmno tel contact contacts '
              'subscriber subscribers smsto receivernumber handset rufnummer numbersto address addresses addr mobno')
_STRONG = _set('to recipient recipients msisdn msisdns mobiles destination destinations')
# Of these a name needs no other word to be a recipient's.
_PHONE_ALONE = _PHONE - _set('no nos num nums addresses addr contact contacts')
_TEXT = _set('text message messages msg msgs body content contents txt sms mensaje mensagem mensaje mesaj texto textos contenido '
             'conteudo pesan nachricht messagetext messagebody msgtext msgbody smstext smsbody smsmessage shortmessage txtmessage '
             'textmessage messagecontent smscontent msgcontent smscontents mymessage ud msgdata yourmessage tekst testo '
             'messaggio messagepart tresc isi mes userdata')
_KEYS = _set('key apikey authkey accesskey appkey userkey appsid apicode clientkey licensekey licencekey api authenticationkey '
             'authorizationkey subscriptionkey apikeys accesskeyid workingkey integrationkey restkey privatekey publickey keyid '
             'apiid appkey smskey developerkey')
_TOKENS = _set('token authtoken accesstoken apitoken producttoken bearertoken usertoken bearer jwt authorization authorisation '
               'authentication auth sessionid sessionkey session smstoken apiauth access tokenid wallet authcode tokens')
_PASSWORDS = _set('password pass passwd passwort pwd pw psw passphrase passcode secret apisecret apipassword clientsecret secretkey '
                  'authpassword apipass authsecret userpassword passkey sifre parola senha clave contrasena motdepasse mdp haslo '
                  'kennwort wachtwoord heslo hash pin apipwd userpwd userpass smspassword loginpassword appsecret secrettoken '
                  'apikeysecret accesssecret accesskeysecret')
_USERS = _set('username user login userid loginid usr uname userlogin apiuser authuser usercode clientid apiusername authusername '
              'loginname kullaniciadi usuario utilisateur benutzername username1 useremail loginemail uid userlogin authid smsuser '
              'smsusername appid')
_ACCOUNT_WORDS = _set('account accounts acct subaccount subaccounts project projects customer organization organisation org orgid '
                      'tenant workspace workspaces company business plan serviceplan space merchant environment accountsid '
                      'accountid sid client service services sp app application profile channel instance reseller vendor')
_ACCOUNT_ALONE = _set('account accounts accountid accountsid accountno subaccount subaccountid projectid serviceplanid sid acct '
                      'workspaceid organizationid tenantid customerid orgid project accountname workspace tenant')
_ID_WORDS = _set('id sid uid no number code name ref uuid ident identifier')
_CALLBACK_WORDS = _set('callback callbacks webhook webhooks notify notification notifications dlr delivery drurl dlrurl '
                       'callbackurl statuscallback statuscallbackurl webhookurl notifyurl notificationurl reporturl deliveryurl '
                       'statusurl report reports receipt receipts status whendelivered statusreporturl deliveryreporturl '
                       'deliveryreport dr reply pushurl push hook postback callbackuri deliveryreceipturl weburl')
_URL_WORDS = _set('url uri link endpoint address href')
_REFERENCE = _set('reference ref clientref clientreference custref customref externalid externalref userref userreference correlationid '
                  'transactionid trxid trackingid messageid msgid smsid requestid idempotencykey idempotency reqid clientmessageid '
                  'uniqueid customid clientmsgid customerreference foreignid customermessageid climsgid msgref messageref '
                  'externalmessageid refid partnermsgid reqno txnid clientmessageref uid callbackdata batchref yourref '
                  'customeruniqueid clientreferenceid customeruuid personalid myid extid extref correlator clientcorrelator '
                  'localid clientid2 refno outboundid')
_REFERENCE_ID = re.compile(r'(?:sms|msg|message|mess|trx|transaction|request|req|unique|external|correlation|tracking|track)u?u?id$')
_PLAIN = _set('type types format encoding coding class route channel count parts length language lang locale unicode flash test dlr '
              'priority validity country region mode version method template title subject pool ton npi enabled required mime '
              'schedule time date timestamp option options category limit flag response output')
_SCHEDULE = re.compile(
    r'(?:send|deliver|delivery|schedule|scheduled|scheduling|start|dispatch|submit)?_?(?:at|time|date|datetime|timestamp|on|'
    r'tosend|for|dateandtime|schedule|scheduled|scheduletime|sendtime|sendat|senddate|sendon)|schedule\w*|scheduled\w*|timetosend|startdate|stime')
_DATE = re.compile(
    r'\d{4}[-/.]\d\d?[-/.]\d\d?(?:[T ].*)?|\d\d?[-/.]\d\d?[-/.]\d{4}(?:[T ,].*)?|1[0-9]{9}(?:[0-9]{3})?|\d{8}(?:T?\d{4,6}Z?)?|\d{12}')

_VARIABLE = re.compile(f'{VARIABLE_START}([^{VARIABLE_END}]*){VARIABLE_END}')
_IN_MARKS = re.compile(
    r'<<?\s*([^<>]{1,80}?)\s*>>?|\{\{\s*([^{}]{1,80}?)\s*\}\}|\$?\{\s*([^{}]{1,80}?)\s*\}|\[\s*([^\[\]]{1,80}?)\s*\]|'
    r'%([A-Za-z_]\w*)%|\$([A-Za-z_]\w*)|:([a-z_]+)|__([A-Za-z_]+)__')
# Written out, so that no word of a text is one: YOUR_API_KEY, my-token, "Enter your key".
_WRITTEN = re.compile(
    r"""(?:the|an?|enter|insert|put|replace|set|add|type|use|provide|paste)?[ _-]*(?:your|ur|votre)(?:[ _-]+.*|(?-i:[A-Z]\w*)|"""
    r"""(?:api|auth|user|pass|key|token|login|account|sender|secret|access|app|name|company|number|phone)\w*)|"""
    r"""(?:enter|insert|replace|put|paste)[ _-]?(?:the|an?|your|with|this)?[ _-]?[a-z].*|"""
    r"""\S*[ _-](?:here|goes[ _-]here|placeholder)|\w+[_-]anda|\.{3,}|\S*\.{3}""", re.IGNORECASE)
# The name of a credential in its place.
_BARE_NAME = re.compile(
    r"""(?:(?:api|auth|access|secret|account|user|client|bearer|product|app|project|service|sender|recipient|from|to|phone|"""
    r"""destination|mobile|sms|jwt|oauth|base64)[ _-]?)*(?:key|token|secret|password|username|user|login|sid|id|pass|apikey|"""
    r"""credentials?|name|number|msisdn|jwt)|(?:base64|encoded|b64)[ _-].*|.*[ _-](?:base64|encoded)|test|example|string|demo|"""
    r"""changeme|my(?:[ _-].*|(?-i:[A-Z]\w*)|(?:api|auth|user|pass|key|token|login|account|sender|secret)\w*)|\w+[ _-](?:api|auth|access|secret)[ _-](?:key|token)""", re.IGNORECASE)
_CAPITALS = re.compile(r'[A-Z][A-Z0-9]*(?:[_-][A-Z0-9]+)+')
_CAPITAL_WORD = re.compile(r'(?:^|[_-])(?:YOUR|KEY|TOKEN|ID|SID|NUMBER|PHONE|SECRET|NAME|SENDER|TEXT|MESSAGE|PASSWORD|USER)(?:$|[_-])')
_CROSSED_OUT = re.compile(r'[xX]{4,}|[*#\u2022\u25cf]{3,}|(?:[xX]{2,}-?){2,}|_{4,}|y{4,}|Y{4,}|\?{4,}')
_GREETING = re.compile(
    r'\b(?:hello|hi|hey|test|testing|message|sms|welcome|dear|your|code|otp|order|this|from|hola|bonjour|hallo|ciao|merhaba|ol[aá]|'
    r'salam|text|world|the|is)\b|[\u0600-\u06ff]', re.IGNORECASE)
_PHONE_SHAPE = re.compile(r'(?:\+|00)?\(?[0-9][0-9 ().-]{5,20}[0-9]')
_MASKED_PHONE = re.compile(r'(?:\+|00)?[0-9(][0-9 ().-]*[xXyYzZ*#\u2022_N]{2,}[0-9xXyYzZ*#\u2022 ().N-]*|\+[xX*#0-9 -]{6,}|0[0-9 ]*[xX]{4,}[0-9xX]*')
_REPORT_URL = re.compile('status|callback|webhook|dlr|deliver|notif|report|hook|receipt', re.IGNORECASE)
_URL = re.compile(r'(?:https?|ftp)://\S+|www\.\S+', re.IGNORECASE)


def words_of(name: str) -> list[str]:
    """Give the words of a name in lower case: `X-Api-Key` and `apiKey` end in `api`, `key`."""
    return [word.lower() for word in _WORD.findall(name)]


def meaning_of_name(path: Sequence[str]) -> str:
    """Tell what a value means by the names that lead to it, `('from', 'phoneNumber')` for a nested one.

    :return: one of :data:`MEANINGS`, empty when the names do not tell
    """
    words = words_of(path[-1]) if path else []
    if not words:
        return ''
    parents = [word for name in path[:-1] for word in words_of(name)]
    joined = ''.join(word for word in words if word not in ('x', 'http'))
    for rule in (_reference, _callback, _secret, _account, _sender, _number, _text):
        if meaning := rule(words, joined, parents):
            return meaning
    return ''


def _reference(words, joined, _parents):
    if joined in _REFERENCE and joined != 'uid':
        return UUID
    if len(words) > 1 and words[-1] in ('reference', 'ref') and words[0] != 'template':
        return UUID
    if words[-1] in ('id', 'uid', 'uuid') or joined.endswith('id'):
        return UUID if _REFERENCE_ID.search(joined) and not {'template', 'campaign', 'profile'} & set(words) else ''
    return UUID if words[-2:] == ['idempotency', 'key'] else ''


def _callback(words, joined, parents):
    known = _CALLBACK_WORDS.intersection(words)
    if joined in _CALLBACK_WORDS and joined not in ('delivery', 'report', 'reports', 'status', 'dlr', 'reply'):
        return CALLBACK
    if 'reply' in words or 'inbound' in words or 'mo' in words:
        return ''
    if words[-1] in _URL_WORDS or joined.endswith(('url', 'uri')):
        return CALLBACK if known or _CALLBACK_WORDS.intersection(parents) else ''
    return ''


def _secret(words, joined, parents):
    last = words[-1]
    if joined in ('public', 'shortcode') or last in ('template', 'route'):
        return ''
    for known, meaning in ((_PASSWORDS, PASSWORD), (_KEYS, API_KEY), (_TOKENS, TOKEN), (_USERS, USERNAME)):
        if joined in known:
            return '' if meaning == USERNAME and _TO.union(_FROM).intersection(parents) else meaning
    for known, meaning in (
            (_PASSWORDS - {'hash', 'pin'}, PASSWORD), (_KEYS - {'api'}, API_KEY), (_TOKENS - {'access', 'session'}, TOKEN),
            (_set('username user login usuario'), USERNAME)):
        if last in known or ''.join(words[-2:]) in known:
            return meaning
    return ''


def _account(words, joined, _parents):
    if joined in _ACCOUNT_ALONE:
        return ACCOUNT
    if joined == 'messagingservicesid':  # a pool of senders
        return SENDER
    if _FROM.union(_TO, ('template', 'entity', 'campaign')).intersection(words):
        return ''
    return ACCOUNT if words[-1] in ('id', 'sid', 'uid') and _ACCOUNT_WORDS.intersection(words[:-1]) else ''


def _sender(words, joined, parents):
    tail = set(words[-1:])
    if tail & _PLAIN or {'reply', 'dlr'} & set(words) or joined.endswith(('type', 'ton', 'npi')):
        return ''
    if joined in ('header', 'msgheader', 'smsheader', 'callerid'):
        return SENDER
    ours = _FROM.intersection(words) or joined.startswith(('sender', 'from', 'originat', 'source'))
    if ours and not _TO.intersection(words):
        return SENDER if tail & (_FROM | _ID_WORDS | _PHONE | {'header', 'title', 'value', 'alias', 'brand'}) or (
            joined.startswith(('sender', 'from', 'originat', 'source'))) else ''
    if not _TO.intersection(words) and _FROM.intersection(parents[-2:]) and tail & (_PHONE | _ID_WORDS | {'value', 'alphanumeric'}):
        return SENDER
    return SENDER if joined in ('headername', 'brandname', 'smssender', 'signature', 'smssignature', 'alphaname', 'alpha', 'signname') else ''


def _number(words, joined, parents):
    last = words[-1]
    if last in _PLAIN or last in ('id', 'list') and not _TO.intersection(words) or 'country' in words or 'message' in words[:1]:
        return ''
    if joined in _TO or joined in _PHONE_ALONE or (last in _STRONG and 'reply' not in words):
        return NUMBER
    if _TO.intersection(words) or joined.startswith(('recipient', 'destination', 'receiver', 'tonumber', 'tophone', 'tomobile')):
        rest = set(words) - _TO - {'sms', 'list', 'my', 'the', 'user', 'customer', 'client'}
        return NUMBER if words[0] == 'to' or rest <= _PHONE | _ID_WORDS | {'value', 'msisdns', 'e', '164'} or not rest else ''
    if last in _PHONE_ALONE or ''.join(words[-2:]) in _PHONE:
        return NUMBER
    nested = _TO | _PHONE | {'identities', 'identifiers'}
    return NUMBER if nested.intersection(parents[-2:]) and last in (
        _PHONE | {'value', 'id', 'identifier', 'identity', 'e', '164'}) or joined.endswith('identifiervalue') else ''


def _text(words, joined, parents):
    if joined in _TEXT:
        return MESSAGE
    if words[-1] in _PLAIN | _ID_WORDS or {'template', 'callback', 'flash'}.intersection(words):
        return ''
    if words[-1] in _TEXT - {'sms', 'messages', 'ud'} or words[-2:] == ['short', 'message']:
        return MESSAGE
    parts = {'message', 'content', 'text', 'body', 'sms', 'msg', 'outbound'}
    return MESSAGE if words[-1] in ('payload', 'value', 'data', 'plain') and parts.intersection(parents[-2:]) else ''


# === SHAPES === #


def is_schedule(name: str, value: str) -> bool:
    """Tell whether this is a date of sending: a sample's is past, or would delay every SMS."""
    joined = ''.join(words_of(name))
    return bool(_SCHEDULE.fullmatch(joined) and _DATE.fullmatch(value.strip()))


def is_hole(value: str) -> bool:
    """Tell whether a sample holds the place of a value, whatever its name: `$TOKEN`, `<YOUR_KEY>`, `{{token}}`, `xxxx`."""
    value = value.strip()
    if not value:
        return False
    if _VARIABLE.search(value) or _IN_MARKS.fullmatch(value) or _WRITTEN.fullmatch(value) or _CROSSED_OUT.search(value):
        return True
    return bool(_CAPITALS.fullmatch(value) and _CAPITAL_WORD.search(value))


def is_placeholder(value: str) -> bool:
    """Tell the same of a sample where a credential, a sender or an account belongs: also `username` and `API_KEY`."""
    value = value.strip()
    return is_hole(value) or bool(value and (_BARE_NAME.fullmatch(value) or _CAPITALS.fullmatch(value)))


def placeholder_name(value: str) -> str:
    """Give what a placeholder is called, `TOKEN` for `$TOKEN` or `{{TOKEN}}`; empty for a value that is none."""
    value = value.strip()
    match = _VARIABLE.fullmatch(value) or _IN_MARKS.fullmatch(value)
    if match:
        value = next(filter(None, match.groups()), '')
    elif not (_WRITTEN.fullmatch(value) or _CAPITALS.fullmatch(value) or _BARE_NAME.fullmatch(value)):
        return ''
    value = re.sub(r'(?i)^(?:(?:enter|insert|put|replace|paste|type|your|the|my|with|votre)[ _-]*)+(?=[a-z])', '', value)
    return re.sub(r'(?i)[ _-]*(?:goes[ _-]here|here)$', '', value)


def is_phone(value: str) -> bool:
    value = value.strip()
    if _MASKED_PHONE.fullmatch(value) and re.search('[0-9]', value):
        return True
    return bool(_PHONE_SHAPE.fullmatch(value)) and 7 <= len(re.sub('[^0-9]', '', value)) <= 17


def split_phones(value: str) -> tuple[list[str], str]:
    """Split a list of numbers, or of placeholders for them.

    :return: the numbers and what separates them; one or none when it is no list
    """
    for separator in (',', ';', '|', '\n', ' '):
        pieces = [piece.strip() for piece in value.strip().split(separator)]
        if len(pieces) > 1 and all(
                is_phone(piece) or (separator != ' ' and is_placeholder(piece)) for piece in pieces if piece) and pieces[0]:
            if separator == ' ' and not all(re.match(r'\+|00|[0-9]{9}', piece) for piece in pieces):
                continue
            return [piece for piece in pieces if piece], separator
    return [value], ''


def is_url(value: str) -> bool:
    return bool(_URL.fullmatch(value.strip()))


def is_report_url(value: str) -> bool:
    """Tell whether a sample's URL looks like one for delivery reports."""
    return is_url(value) and bool(_REPORT_URL.search(value))


def is_sentence(value: str) -> bool:
    """Tell whether a value reads like the text of an SMS."""
    return bool(re.search(r'\S\s+\S', value.strip())) and bool(_GREETING.search(value))


def number_format_of(sample: str) -> tuple[str, bool]:
    """Guess how a provider wants numbers from one in its sample, and tell whether that is sure."""
    value = re.sub(r'[\s().-]', '', sample.strip())
    if not re.search('[0-9]', value) or is_placeholder(sample) and not is_phone(sample):
        return 'e164', False
    if value.startswith('+'):
        return 'e164', True
    if value.startswith('00'):
        return 'double_zero', True
    if value.startswith('0'):
        return 'national', True
    digits = re.sub('[^0-9]', '0', value)
    if len(digits) >= 11 or _is_valid(digits):
        return 'international', True
    # Indian mobile numbers begin so
    return 'significant' if len(digits) <= 10 and digits[0] in '6789' else 'international', False


def _is_valid(digits: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(f'+{digits}', None))
    except NumberParseException:
        return False
