"""Words without their endings, for comparison alone: `promotional` and `promotion`, `cities` and `city`. Pure."""

import re
from functools import lru_cache
from typing import Final

from app.catalog.joins.discovery.naming import singular

_NOT_WORDS: Final = re.compile(r"[^0-9a-z\u00c0-\uffff]+")
_POSSESSIVE: Final = re.compile(r"['\u2019\u2018`]s\b")
_ENDINGS: Final = (
    "ization", "isation", "ational", "fulness", "ousness", "ations", "ation", "ingly", "ition", "ional", "ments",
    "ment", "ness", "able", "ible", "ally", "fully", "ings", "ions", "ion", "ing", "ful", "ers", "ies", "ied", "ed",
    "er", "ly", "al", "ic", "e", "y",
)  # fmt: skip
_IRREGULAR: Final = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "countries": "country",
    "statuses": "status", "written": "write", "wrote": "write", "sold": "sale", "sell": "sale", "sells": "sale",
    "bought": "buy", "paid": "pay", "made": "make", "sent": "send", "spent": "spend", "held": "hold", "taken": "take",
    "given": "give", "drawn": "draw", "driven": "drive", "flew": "fly", "flown": "fly", "flies": "fly",
    "departures": "depart", "departure": "depart", "arrivals": "arrive", "arrival": "arrive", "data": "data",
    "lives": "live", "criteria": "criterion", "indices": "index", "analyses": "analysis", "taught": "teach",
}  # fmt: skip


_SHORT_PLURALS: Final = frozenset(("ids", "ins", "urls", "ads", "cars", "days", "sms"))


def normalized(text: str) -> str:
    """The text as words in lower case with single spaces, without signs: `The "Big"  One!` is `the big one`."""
    return _NOT_WORDS.sub(" ", _POSSESSIVE.sub("s", text.lower()).replace("'", "").replace("\u2019", "")).strip()


@lru_cache(maxsize=65_536)
def lemma(word: str) -> str:
    """The word in the singular, by which names are compared."""
    plain = word.lower()
    if plain in _SHORT_PLURALS:
        return plain[:-1]
    return singular(_IRREGULAR[plain]) if plain in _IRREGULAR and len(plain) > 3 else singular(plain)  # noqa: PLR2004


def plurals(singular: str) -> list[str]:
    """Plurals of the word that are made otherwise than by an s at its end: `city` has `cities`."""
    irregular = [word for word, one in _IRREGULAR.items() if one == singular]
    return [*irregular, f"{singular[:-1]}ies"] if singular.endswith("y") else irregular


_PARTICIPLES: Final = frozenset(
    """
    written wrote sold bought taken took made taught held given gave sent paid flown driven drawn spent born built
    begun chosen grown brought caught thrown
    """.split()  # noqa: SIM905 - a list of dozens of quoted words is read by nobody
)
NO_VERBS: Final = frozenset(
    """
    spring string thing anything something nothing everything evening morning ceiling wedding building during sibling
    offspring pudding speed breed hundred indeed
    """.split()  # noqa: SIM905 - a list of dozens of quoted words is read by nobody
)
"""Words that end as forms of verbs do, and are none."""


def is_participle(word: str) -> bool:
    """Whether the word is a form of a verb that may hang two nouns together: posted, written, serving."""
    plain = word.lower()
    ends = len(plain) > 4 and plain.endswith(("ed", "ing")) and plain not in NO_VERBS  # noqa: PLR2004
    return ends or plain in _PARTICIPLES


def is_plural(words: str) -> bool:
    """Whether the last of the words is a plural."""
    last = words.lower().split()[-1]
    return last != lemma(last)


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The word without the endings of verbs, adjectives and plurals; never shorter than three letters."""
    plain = _IRREGULAR.get(word.lower(), lemma(word))
    for _ in range(2):  # ordered, order
        for ending in _ENDINGS:
            if plain.endswith(ending) and len(plain) - len(ending) >= 3:  # noqa: PLR2004
                plain = plain[: -len(ending)]
                break
    double = plain[-1:] == plain[-2:-1] and plain[-1] not in "aeious"
    if double and len(plain) > (5 if plain[-1] == "l" else 3):  # cancell, stopp; sell, fill
        plain = plain[:-1]
    return plain[:-1] if plain.endswith("e") and len(plain) > 3 else plain  # noqa: PLR2004
