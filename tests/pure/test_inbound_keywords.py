# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which answers are STOP, START or HELP, and that no ordinary answer is."""
import itertools
import random

from ...tools.inbound.keywords import DEFAULTS, HELP, LANGUAGES, START, STOP, join, make_keywords, normalize, recognize
from .common import PureCase

KEYWORDS = make_keywords(*(join(DEFAULTS[name]) for name in (STOP, START, HELP)))

# Real answers with a keyword in them, or next to one.
TRICKY = (
    "nonstop", "Non-stop!", "please stop by", "Stop by when you like", "don't stop", "Is the bus stop near?",
    "one stop shop", "stopped", "stopping", "unstoppable", "STOPS", "the end", "weekend", "end of the month",
    "See you at the end", "endless", "cancelled", "Can I cancel?", "cancel Tuesday, keep Friday", "please cancel",
    "no need to cancel", "cancellation", "quite", "I quit smoking", "quit it :)", "remove the second item",
    "removed, thanks", "removal van", "opt out of what?", "arrêt de bus", "à l'arrêt", "l'arrêt 12", "start",
    "restart the router", "help is on the way", "information", "revoke the old key please", "all", "stop it",
    "stop 5 please", "unsubscribed?", "subscribe", "s t o p", "S.T.O.P", "st op", "stop/start", "start stop",
    "pit stop", "stop?no", "Stop at 5 or 6", "last stop", "End 5 pm?", "QUITTO", "postop", "st0p", "END-2",
)
OPENINGS = (
    "", "Hi", "Hello", "Hey there", "Thanks", "Ok", "Good morning", "Sorry", "Yes", "No", "Sure", "Great", "Hmm", "Oui",
    "Bonjour", "Hallo", "Hola", "Merci", "Danke", "👍", "Dear team", "No problem")
SENTENCES = (
    "I will stop by at {time}", "can you stop by {day}?", "please cancel my appointment on {day}",
    "the meeting will end at {time}", "could you move it to {day} {time}?", "I quit at {time} on {day}",
    "remove item {number} from my order", "my order {number} has not arrived", "is {day} at {time} ok?",
    "the bus does not stop here on {day}", "I want to start on {day}", "help me with order {number}",
    "do you have info on {number}?", "we need {number} more by {day}", "call me {day} after {time}",
    "je viens à {time} {day}, à l'arrêt {number}", "ich komme {day} um {time}, bitte nicht absagen",
    "nos vemos {day} a las {time}", "non-stop from {time} to {number}", "please don't cancel {day}",
    "stop sending me the invoice {number} twice", "ends {day}", "cancel {number}", "stop {number}", "end {time}",
    "the {day} one", "{number}", "{time}", "{day}", "no, {day}", "yes, {time}", "room {number}, {day}",
)
DAYS = ("today", "tomorrow", "Monday", "Tuesday", "Wednesday", "Friday", "the weekend", "lundi", "Montag", "mañana")
TIMES = ("5", "17:30", "10 am", "noon", "half past nine", "8h", "20 Uhr")
CLOSINGS = (
    "", ".", "!", "?", " 🙂", " thanks", " Jo", "\nSent from my phone", " 👍👍", "...", " stop by?", " The end.")


def make_answers(count):
    """:return: that many different answers, which look real, the same in each run"""
    rng = random.Random(18)
    yield from TRICKY
    seen = set()
    while len(seen) < count:
        sentence = rng.choice(SENTENCES).format(
            time=rng.choice(TIMES), day=rng.choice(DAYS), number=rng.randrange(2, 10_000))
        opening = rng.choice(OPENINGS)
        answer = f"{opening}{rng.choice((', ', ' ', '! ')) if opening else ''}{sentence}{rng.choice(CLOSINGS)}"
        answer = rng.choice((str, str.upper, str.lower, str.capitalize))(answer)
        if answer not in seen:
            seen.add(answer)
            yield answer


class TestRecognize(PureCase):

    def test_keywords(self):
        for text, expected in (
            ("STOP", STOP), ("stop", STOP), ("Stop.", STOP), (" stop \n", STOP), ("«Stop»", STOP), ("¡STOP!", STOP),
            ("STOP 🛑", STOP), ("🛑🛑stop✋🏽", STOP), ("❤️ Stop ❤️", STOP), ("👨‍👩‍👧 stop 🇧🇪", STOP),
            ("(stop)…", STOP),
            ("ＳＴＯＰ", STOP), ("sto\u0301p", STOP), ("Arrêt", STOP), ("ARRET", STOP), ("arre\u0302t !", STOP),
            ("stop  all", STOP), ("Stop\nall", STOP), ("StopAll", STOP), ("opt-out", STOP), ("Opt out", STOP),
            ("OPTOUT", STOP), ("\u200eSTOP\u200f", STOP), ("\ufeffstop", STOP), ("s\u200btop", STOP), ("-stop-", STOP),
            ("'END'", STOP), ("Cancel!", STOP), ("quit", STOP), ("Revoke", STOP), ("remove", STOP),
            ("unsubscribe", STOP), ("Start", START), ("unstop", START), ("help?", HELP), ("Info", HELP),
            ("", ''), (None, ''), ("!!!", ''), ("🛑", ''), ("\u200b", ''), ("STOP STOP", ''), ("stop please", ''),
            ("stop" + " " * 100, ''), ("x" * 100_000, ''),
        ):
            with self.subTest(text=text):
                self.assertEqual(recognize(text, KEYWORDS), expected)

    def test_codes(self):
        keywords = make_keywords("STOP, STOP ALL", codes="SHOP; 36200")
        for text in ("stop shop", "STOP SHOP!", "stop-36200", "Stop all shop", "stop"):
            self.assertEqual(recognize(text, keywords), STOP, text)
        for text in ("stop shopping", "shop", "36200", "stop 362", "stop shop 36200", "stopshop"):
            self.assertEqual(recognize(text, keywords), '', text)
        self.assertEqual(recognize("stop shop", make_keywords("STOP")), '')

    def test_lists(self):
        keywords = make_keywords(" STOP ,, Stop;BAJA\nfin del todo، !!! ,", "stop, ALTA", "alta")
        self.assertEqual(keywords.stop, {'stop', 'baja', 'fin del todo'})
        self.assertEqual(recognize("stop", keywords), STOP)  # the first list decides
        self.assertEqual(recognize("alta", keywords), START)
        self.assertEqual(recognize("stop", make_keywords()), '')

    def test_languages(self):
        """Each keyword of each language is recognized in its own language, and means one thing."""
        for code, lists in LANGUAGES.items():
            self.assertEqual(set(lists), {STOP, START, HELP}, code)
            keywords = make_keywords(*(join(lists[name]) for name in (STOP, START, HELP)))
            for name, words in lists.items():
                for word in words:
                    for text in (word, word.lower(), f"{word.title()}!", f"  {word} 🛑"):
                        self.assertEqual(recognize(text, keywords), name, (code, text))

    def test_join(self):
        self.assertEqual(join(["STOP", "Stop", "ARRET", "Arrêt", "FIN"]), "STOP, ARRET, FIN")

    def test_vowels_of_other_scripts_are_kept(self):
        self.assertEqual(normalize("रोकें"), "रोकें")
        self.assertNotEqual(normalize("बंद"), normalize("बिंद"))
        self.assertEqual(normalize("إلغاء"), normalize("الغاء"))
        self.assertEqual(normalize("İptal"), "iptal")


class TestOrdinaryAnswers(PureCase):

    def test_no_false_stop(self):
        """10,000 answers, half of them with a keyword as one of their words."""
        answers = list(make_answers(10_000))
        self.assertGreaterEqual(len(set(answers)), 10_000)
        near = [answer for answer in answers if any(word in answer.casefold() for word in ('stop', 'end', 'cancel'))]
        self.assertGreater(len(near), 4000)
        self.assertEqual([answer for answer in answers if recognize(answer, KEYWORDS) == STOP], [])

    def test_one_character_more_is_no_keyword(self):
        for word, letter in itertools.product(DEFAULTS[STOP], 'abcdefghijklmnopqrtuvwxyz0123456789'):
            for text in (word + letter, letter + word):
                if normalize(text) not in KEYWORDS.stop:
                    self.assertEqual(recognize(text, KEYWORDS), '', text)

    def test_every_keyword_in_every_sentence(self):
        """A keyword within a sentence, in front of it or after it, opts nobody out."""
        for word, sentence in itertools.product(DEFAULTS[STOP], ("see you", "5 pm", "yes", "12")):
            for text in (f"{word} {sentence}", f"{sentence} {word}", f"{sentence}, {word}, {sentence}"):
                self.assertEqual(recognize(text, KEYWORDS), '', text)
