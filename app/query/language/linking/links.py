"""From tokens to marks: the longest, surest reading of each span of words. Pure.

The order of claims: dates, quoted texts, phrases of several words that name a table or column, phrases that say what
to do, values, single names, verbs, fillers. Whatever is left is unknown, and an unknown word refuses the question.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from app.query.language.linking.marks import Link, Mark, MarkKind
from app.query.language.linking.preference import named_first, says_flag, says_more, value_first
from app.query.language.linking.schema_index import SchemaIndex
from app.query.language.linking.seasons import season
from app.query.language.linking.value_links import termed_links, value_links
from app.query.language.reading.calendar import MONTHS
from app.query.language.reading.dates import DateRange
from app.query.language.reading.lexicon import FILLERS, LINKING_VERBS, LONGEST_PHRASE, PHRASES, Role
from app.query.language.reading.stems import NO_VERBS, is_participle
from app.query.language.reading.tokens import Token, TokenKind

LONGEST_NOUN: Final = 5
LONGEST_VALUE: Final = 8
_SURE: Final = 0.9
_SHORT_FUNCTION: Final = frozenset((Role.PREPOSITION, Role.AND, Role.OR, Role.TO, Role.BY, Role.FILLER, Role.WHICH))
_LEADS: Final = frozenset((Role.COUNT, Role.WHICH, Role.RETURN, Role.EACH, Role.AGGREGATE, Role.PREPOSITION))
"""Before a participle that is an adjective of the noun behind it."""
_OUTWEIGHED: Final = frozenset((Role.UNIT, Role.RETURN, Role.COUNT, Role.FILLER, Role.DISTINCT, Role.ARITHMETIC))
_ENDS: Final = frozenset((TokenKind.WORD, TokenKind.NUMBER))
_OR_SHE: Final = frozenset(("she", "he", "or", "her", "his"))
_STEM: Final = 0.6
"""Worth of what only shares its stem with a word."""
_RUNS_ON: Final = frozenset(
    ("per", "by", "in", "and", "or", "on", "at", "from", "over", "above", "below", "under", "between")
)
_SKIPPED: Final = frozenset(("the", "a", "an"))
_BEFORE_NOUNS: Final = frozenset("the of a an many much total average number per each every any all".split())  # noqa: SIM905
"""Words behind which a noun stands, and no verb."""
_DATE_LEADS: Final = frozenset(("on", "at", "in", "since", "from", "before", "after", "until"))


class Linker:
    """Reads tokens as marks, with a schema and its values."""

    def __init__(self, index: SchemaIndex) -> None:
        self._index = index
        self._values = index.vocabulary.values

    def marks(self, tokens: Sequence[Token], dates: Sequence[DateRange]) -> list[Mark]:
        """The marks of the tokens, in order; every token is in exactly one."""
        found: list[Mark] = []
        place = 0
        while place < len(tokens):
            mark, after = self._at(tokens, place, dates)
            if mark.role is Role.AGGREGATE and (column := self._column_called(tokens, place, found)):
                mark, after = column
            found.append(mark)
            place = after
        found = [
            replace(mark, kind=MarkKind.UNKNOWN, detail="") if _means_more(found, at) else mark
            for at, mark in enumerate(found)
        ]
        return named_first(found)

    def _column_called(self, tokens: Sequence[Token], place: int, before: Sequence[Mark]) -> tuple[Mark, int] | None:
        """The column that is called like an aggregate, where no aggregate can be meant: `by total`, `average total`."""
        noun = self._noun(tokens[: place + 1], place)
        if noun is None or noun[0].link.column is None or noun[0].link.worth < _SURE:
            return None
        aggregated = bool(before) and before[-1].role is Role.AGGREGATE
        after = place + 1
        last = after == len(tokens) or tokens[after].kind is not TokenKind.WORD
        named = not last and tokens[after].lower in FILLERS | _RUNS_ON
        return noun if aggregated or last or named else None

    def _at(self, tokens: Sequence[Token], place: int, dates: Sequence[DateRange]) -> tuple[Mark, int]:
        if (whole := self._sharing(tokens, place) or self._season(tokens, place)) is not None:
            return whole
        token = tokens[place]
        when = next((each for each in dates if each.start <= token.start < each.end), None)
        noun = self._noun(tokens[: _before_date(tokens, place, dates)], place)
        term = self._term(tokens, place)
        if term is not None and (noun is None or term[1] >= noun[1] or noun[0].link.evidence.endswith("of the table")):
            return term
        if when is not None and not (noun and noun[1] - place > 1 and tokens[noun[1] - 1].end > when.end):
            after = place
            while after < len(tokens) and tokens[after].start < when.end:
                after += 1
            return _mark(MarkKind.WHEN, tokens, place, after, when=when), after
        if token.kind is TokenKind.NUMBER and token.number is not None and not self._worded_number(tokens, place):
            return self._number(tokens, place, noun)
        if token.kind in {TokenKind.WORD, TokenKind.NUMBER}:
            return self._word(tokens, place, noun)
        return self._sign(tokens, place), place + 1

    def _term(self, tokens: Sequence[Token], place: int) -> tuple[Mark, int] | None:
        """The longest span from here that is a term: what somebody said that words mean goes before their names."""
        for after in range(min(len(tokens), place + LONGEST_NOUN), place, -1):
            span = tokens[place:after]
            words = " ".join(each.lemma for each in span)
            if links := tuple(
                Link(each.table, each.column, each.worth, each.evidence) for each in self._index.termed(words)
            ):
                plural = any(each.lower != each.lemma for each in (span[0], span[-1]))
                return replace(_mark(MarkKind.NOUN, tokens, place, after), links=links, plural=plural), after
            if links := tuple(termed_links(self._index.terms, words)):
                return replace(_mark(MarkKind.VALUE, tokens, place, after), links=links), after
        return None

    def _sharing(self, tokens: Sequence[Token], place: int) -> tuple[Mark, int] | None:
        """The column of a word that shares its last word with the next column: first and last names."""
        if place + 3 >= len(tokens) or tokens[place + 1].lower != "and" or tokens[place].kind is not TokenKind.WORD:
            return None
        other = self._noun(tokens, place + 2)
        if other is None or other[1] < place + 4 or other[0].link.column is None:
            return None
        named = self._index.find([tokens[place].lemma, *(each.lemma for each in tokens[place + 3 : other[1]])])
        table, column = other[0].link.table, other[0].link.column
        mine = [each for each in named if each.table == table and each.column not in {None, column}]
        if not mine or mine[0].worth < _SURE:
            return None
        link = Link(table, mine[0].column, mine[0].worth, mine[0].evidence)
        return replace(_mark(MarkKind.NOUN, tokens, place, place + 1), links=(link,), plural=other[0].plural), place + 1

    def _season(self, tokens: Sequence[Token], place: int) -> tuple[Mark, int] | None:
        """The season from here as a value; unknown where no column holds it, for it is no year."""
        text = season(tokens, place)
        if text is None:
            return None
        links = value_links(self._index, self._values, text, quoted=False)
        kind = MarkKind.VALUE if links else MarkKind.UNKNOWN
        return replace(_mark(kind, tokens, place, place + 3), text=text, links=links), place + 3

    def _sign(self, tokens: Sequence[Token], place: int) -> Mark:
        """The mark of what is no word: a text in quotes, a comparison, the end of a sentence."""
        token = tokens[place]
        if token.kind is TokenKind.QUOTED:
            links = value_links(self._index, self._values, token.text, quoted=True)
            return Mark(MarkKind.VALUE if links else MarkKind.QUOTED, token.text, token.start, token.end, links)
        if token.kind in {TokenKind.STOP, TokenKind.COMMA}:
            return _mark(MarkKind(token.kind.value), tokens, place, place + 1)
        either = token.text == "/" and place + 1 < len(tokens) and tokens[place + 1].lower in _OR_SHE
        if token.kind is TokenKind.MARK or either:
            return _mark(MarkKind.WORD, tokens, place, place + 1, role=Role.FILLER)
        return _sign(tokens, place)

    def _worded_number(self, tokens: Sequence[Token], place: int) -> bool:
        token = tokens[place]
        phrase = _phrase(tokens, place)
        return not token.text[0].isdigit() and token.text[0] != "$" and phrase is not None and phrase[2] > place + 1

    def _number(self, tokens: Sequence[Token], place: int, noun: tuple[Mark, int] | None) -> tuple[Mark, int]:
        token = tokens[place]
        value = self._value(tokens, place)
        if value is not None and value[1] > place + 1:
            return value
        if noun is not None and noun[1] > place + 1:
            return noun
        mark = Mark(MarkKind.NUMBER, token.text, token.start, token.end, number=token.number, percent=token.percent)
        return mark, place + 1

    def _word(self, tokens: Sequence[Token], place: int, noun: tuple[Mark, int] | None) -> tuple[Mark, int]:
        phrase, value = _phrase(tokens, place), self._value(tokens, place)
        phrase = None if noun and _is_quantity(tokens[place], noun[0]) else phrase
        lengths = {
            "noun": noun[1] - place if noun else 0,
            "phrase": phrase[2] - place if phrase else 0,
            "value": value[1] - place if value else 0,
        }
        if value and lengths["value"] >= 2 and lengths["value"] >= max(lengths["noun"], lengths["phrase"]):  # noqa: PLR2004
            return value
        several = noun is not None and lengths["noun"] > 1 and noun[0].link.worth >= 0.6  # noqa: PLR2004
        if noun and several and lengths["noun"] >= lengths["phrase"] and lengths["noun"] >= lengths["value"]:
            return noun
        if phrase and phrase[0] is Role.ORDER and lengths["phrase"] == 1 and not _orders(tokens, place + 1):
            if noun:
                return noun
            return _mark(MarkKind.VERB, tokens, place, place + 1), place + 1
        if phrase and lengths["phrase"] > max(lengths["value"], 0):
            role, detail, after = phrase
            if not (noun and lengths["noun"] >= lengths["phrase"] and self._outweighs(noun[0], role)):
                return _mark(MarkKind.WORD, tokens, place, after, role=role, detail=detail), after
        return self._single(tokens, place, noun, value, phrase)

    def _outweighs(self, noun: Mark, role: Role) -> bool:
        """Whether the name of a column outweighs a word that says what to do: `year`, `month`, `count`, `name`."""
        return role in _OUTWEIGHED and noun.link.worth >= 0.6  # noqa: PLR2004

    def _single(  # noqa: PLR0911 - a list of cases, the surest first
        self,
        tokens: Sequence[Token],
        place: int,
        noun: tuple[Mark, int] | None,
        value: tuple[Mark, int] | None,
        phrase: tuple[Role, str, int] | None,
    ) -> tuple[Mark, int]:
        token = tokens[place]
        of_noun, of_value = (each[0].link.worth if each else 0.0 for each in (noun, value))
        content = phrase is None or phrase[0] not in _SHORT_FUNCTION
        if value and of_value > of_noun and (token.capital or not noun) and (content or token.text.isupper()):
            return _with(value, noun)
        if value and noun and (says_flag(value[0], noun[0]) or says_more(value[0], noun[0])):
            return value_first(value[0], noun[0]), value[1]
        if noun and of_noun <= _STEM and _is_verb(token) and not _ranks(tokens, place):
            return _mark(MarkKind.VERB, tokens, place, place + 1), place + 1
        if noun and (of_noun >= of_value or not content):
            return _with(noun, value)
        if value and content:
            return _with(value, noun)
        if phrase:
            return _mark(MarkKind.WORD, tokens, place, phrase[2], role=phrase[0], detail=phrase[1]), phrase[2]
        return self._rest(tokens, place)

    def _rest(self, tokens: Sequence[Token], place: int) -> tuple[Mark, int]:
        token = tokens[place]
        if token.lower in FILLERS:
            return _mark(MarkKind.WORD, tokens, place, place + 1, role=Role.FILLER), place + 1
        if token.lower in LINKING_VERBS:
            return _mark(MarkKind.VERB, tokens, place, place + 1), place + 1
        if token.lower in MONTHS and token.capital:
            return Mark(MarkKind.NAME, token.text, token.start, token.end), place + 1
        if token.capital and place > 0 and tokens[place - 1].kind is not TokenKind.STOP:
            after = place + 1
            while after < len(tokens) and tokens[after].kind is TokenKind.WORD and tokens[after].capital:
                after += 1
            return _mark(MarkKind.NAME, tokens, place, after), after
        ends = len(token.lower) > 4 and token.lower.endswith(("ed", "ing"))  # noqa: PLR2004
        if ends and token.lower not in NO_VERBS and not token.capital:
            return _mark(MarkKind.VERB, tokens, place, place + 1, detail="unknown"), place + 1
        return _mark(MarkKind.UNKNOWN, tokens, place, place + 1), place + 1

    def _noun(self, tokens: Sequence[Token], place: int) -> tuple[Mark, int] | None:
        """The longest span from here that names something, and what."""
        best: tuple[Mark, int] | None = None
        for after in range(min(len(tokens), place + LONGEST_NOUN), place, -1):
            span = tokens[place:after]
            if any(each.kind is not TokenKind.WORD and not each.text.isalnum() for each in span):
                continue
            if span[0].lower in _SKIPPED or span[-1].lower in {"the", "a", "an", "of", "in", "and", "by"}:
                continue
            words = [each.lemma for each in span]
            named = self._index.find(words, others=_is_named(tokens, place, after))
            if not named:
                named = self._index.find([word for word in words if word not in _SKIPPED]) if len(words) > 2 else []  # noqa: PLR2004
            if len(words) > 1 and _is_clause(span):
                named = [each for each in named if "of the table" not in each.evidence]
            if not named:
                continue
            named = [each for each in named if each.worth >= named[0].worth - (0.45 if words == ["id"] else 0.35)]
            if named and (best is None or named[0].worth > best[0].link.worth + 0.3):
                links = tuple(Link(each.table, each.column, each.worth, each.evidence) for each in named)
                links = _keys_first(links, words, self._index)
                plural = span[-1].lower != span[-1].lemma or span[0].lower != span[0].lemma
                mark = replace(_mark(MarkKind.NOUN, tokens, place, after), links=links, plural=plural)
                best = best or (mark, after)
                if best[0].link.worth >= _SURE or len(words) == 1:
                    break
        return best

    def _value(self, tokens: Sequence[Token], place: int) -> tuple[Mark, int] | None:
        """The longest span from here that is a value, and of what."""
        for after in range(min(len(tokens), place + LONGEST_VALUE), place, -1):
            span = tokens[place:after]
            if any(each.kind in {TokenKind.STOP, TokenKind.QUOTED, TokenKind.SIGN} for each in span):
                continue
            if not {span[0].kind, span[-1].kind} <= _ENDS or span[0].lower in _SKIPPED:
                continue
            if len(span) == 1 and not span[0].text.isupper() and (span[0].lower in FILLERS or _phrase(span, 0)):
                continue
            text = " ".join(each.text for each in span)
            begins = place == 0 or tokens[place - 1].kind is TokenKind.STOP
            capital = all(each.capital or not each.text.isalpha() for each in span) and not (begins and len(span) == 1)
            links = value_links(self._index, self._values, text, quoted=False, capital=capital)
            if links:
                return replace(_mark(MarkKind.VALUE, tokens, place, after), links=links), after
        return None


def _is_named(tokens: Sequence[Token], place: int, after: int) -> bool:
    """Whether the span can be a name in other words; a verb alone is one where a noun must stand: `total plays`."""
    if any(token.lower == "of" for token in tokens[place:after]):
        return False
    verb = after == place + 1 and (tokens[place].lower in LINKING_VERBS or is_participle(tokens[place].lower))
    return not verb or (place > 0 and tokens[place - 1].lower in _BEFORE_NOUNS)


def _before_date(tokens: Sequence[Token], place: int, dates: Sequence[DateRange]) -> int:
    """Where the tokens end that can name something: a name that runs into `on July 4` ends before that."""
    for at in range(place + 1, len(tokens)):
        date = next((each for each in dates if each.start == tokens[at].start and not each.bare), None)
        if date is not None and tokens[at].kind is TokenKind.WORD and tokens[at].lower in _DATE_LEADS:
            return at
    return len(tokens)


def _is_quantity(token: Token, noun: Mark) -> bool:
    """Whether `quantity of` speaks of a column of quantities, and counts nothing."""
    return token.lower == "quantity" and noun.link.column is not None and noun.link.worth >= _SURE


def _keys_first(links: tuple[Link, ...], words: Sequence[str], index: SchemaIndex) -> tuple[Link, ...]:
    """The links with the key of a table before columns elsewhere that are called the same: `user id`."""
    home = {
        link.table for link in links if tuple(words[:-1]) in (index.words[link.table], index.words[link.table][-1:])
    }
    if words[-1] != "id" or not home:
        return links
    sure = any(link.table in home and link.worth >= 1.0 for link in links)
    keys = {link for link in links if link.table in home and (sure or link.evidence == "the key of the table")}
    if not keys:
        return links
    lower = [replace(link, worth=link.worth if link in keys else link.worth - 0.2) for link in links]
    return tuple(sorted(lower, key=lambda link: -link.worth))


def _phrase(tokens: Sequence[Token], place: int) -> tuple[Role, str, int] | None:
    """The longest phrase from here that says what to do: its role, detail, and where it ends."""
    for after in range(min(len(tokens), place + LONGEST_PHRASE), place, -1):
        known = PHRASES.get(" ".join(each.lower for each in tokens[place:after]))
        if known is not None:
            return (*known, after)
    return None


def _is_clause(span: Sequence[Token]) -> bool:
    """Whether a plural stands before a singular or a verb, which no compound has: rivers traverse, tickets sold."""
    last = span[-1].lower == span[-1].lemma or is_participle(span[-1].lower)
    return span[0].lower != span[0].lemma and last and all(each.lower != "of" for each in span)


def _orders(tokens: Sequence[Token], place: int) -> bool:
    """Whether what follows `order`, `sorted`, `rank` makes it a wish for an order."""
    following = tokens[place].lower if place < len(tokens) else ""
    known = _phrase(tokens, place)
    return following in {"by", "the", "them", "it", "results", "according"} or (
        known is not None and known[0] is Role.DIRECTION
    )


def _is_verb(token: Token) -> bool:
    return token.lower in LINKING_VERBS or token.lower.endswith(("ed", "ing"))


def _ranks(tokens: Sequence[Token], place: int) -> bool:
    """Whether a superlative stands before: the highest rated."""
    known = PHRASES.get(tokens[place - 1].lower) if place else None
    return known is not None and known[0] is Role.SUPERLATIVE


def _means_more(marks: Sequence[Mark], place: int) -> bool:
    """Whether a verb says more than that things belong together: `send an email`, `recommended products`."""
    mark = marks[place]
    if mark.kind is not MarkKind.VERB:
        return False
    before = [each for each in marks[:place] if each.role is not Role.FILLER]
    if not is_participle(mark.text):
        return not before or before[-1].kind is MarkKind.STOP
    following = marks[place + 1] if place + 1 < len(marks) else None
    if following is None or not following.is_table or not following.links:
        return False
    leads = not before or before[-1].kind is MarkKind.STOP or before[-1].role in _LEADS
    return leads and not (before and before[-1].text.lower() == "who")


def _sign(tokens: Sequence[Token], place: int) -> Mark:
    text = tokens[place].text
    if text in {"/", "*"}:
        return _mark(MarkKind.WORD, tokens, place, place + 1, role=Role.OUT_OF, detail=text)
    detail = {"==": "=", "!=": "<>"}.get(text, text)
    return _mark(MarkKind.WORD, tokens, place, place + 1, role=Role.COMPARE, detail=detail)


def _with(chosen: tuple[Mark, int], other: tuple[Mark, int] | None) -> tuple[Mark, int]:
    """The chosen reading, with the other one of the same span behind it: the parser may need it."""
    if other is None or other[1] != chosen[1]:
        return chosen
    links = chosen[0].links
    if links[0].value is None and links[0].column is None and links[0].worth >= 0.85:  # noqa: PLR2004 - a table, surely
        return chosen
    mark = replace(chosen[0], links=(*chosen[0].links, *other[0].links))
    return mark, chosen[1]


def _mark(
    kind: MarkKind,
    tokens: Sequence[Token],
    place: int,
    after: int,
    *,
    role: Role | None = None,
    detail: str = "",
    when: DateRange | None = None,
) -> Mark:
    text = " ".join(each.text for each in tokens[place:after])
    return Mark(kind, text, tokens[place].start, tokens[after - 1].end, (), role, detail, when=when)
