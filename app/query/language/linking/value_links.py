"""Which values of which columns a text may mean: as stored, in another form, coded, or as the name of a place. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from app.query.language.linking.codes import stored
from app.query.language.linking.gazetteer import codes_of, of_countries
from app.query.language.linking.marks import Link
from app.query.language.linking.names import words_of
from app.query.language.linking.schema_index import Phrases, SchemaIndex
from app.query.language.reading.calendar import DAY_NAMES
from app.query.language.reading.stems import lemma, normalized, stem
from app.query.language.vocabulary.model import ValueIndex

_PART: Final = 0.6
_OF_COUNTRIES: Final = frozenset(("country", "nation", "nationality", "citizenship", "origin"))
_DAYS: Final = {"weekend": DAY_NAMES[5:], "weekday": DAY_NAMES[:5]}


def value_links(
    index: SchemaIndex, values: ValueIndex, text: str, *, quoted: bool, capital: bool = False
) -> tuple[Link, ...]:
    """What the text may mean as a value; the surest first.

    Args:
        index: the tables and columns.
        values: the values.
        text: of the question.
        quoted: whether it stands in quotes, so that it is a value for sure.
        capital: whether every word of it begins with a capital letter.
    """
    plain = normalized(text)
    if not plain or (len(plain) < 2 and not quoted):  # noqa: PLR2004
        return ()
    by_place: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for hit in values.find(text):
        few = values.distinct(hit.table, hit.column) is not None
        if _counts(plain, hit.worth, quoted=quoted, capital=capital, few=few):
            by_place.setdefault((hit.table, hit.column), []).append((hit.value, hit.worth))
    links = [_link(place, hits, plain) for place, hits in by_place.items()]
    links += _coded(index, tuple(lemma(word) for word in plain.split()), values)
    links += _calendar(values, plain)
    links += _places(values, text, capital=capital or quoted)
    links += _nationalities(index, values, plain)
    return tuple(sorted(links, key=lambda link: (-link.worth, link.table, link.column or "")))


def looked_up_for(text: str) -> Iterator[str]:
    """What is looked up as a value for a text beside the text itself: codes and names of places, days of the week."""
    yield from (other for _, other in codes_of(text))
    yield from of_countries(text)
    yield from _DAYS.get(lemma(normalized(text)), ())[:1]


def _counts(plain: str, worth: float, *, quoted: bool, capital: bool, few: bool) -> bool:
    if quoted:
        return True
    if worth >= 1.0:
        return few or capital or " " in plain or any(letter.isdigit() for letter in plain)
    if worth > _PART:
        return few or capital
    return (capital or few) and len(plain) > 3  # noqa: PLR2004


def _link(place: tuple[str, str], hits: list[tuple[str, float]], plain: str) -> Link:
    worth = max(each for _, each in hits)
    best = [value for value, each in hits if each == worth]
    part = worth <= _PART
    evidence = "holds the word" if part else "a stored value" if worth >= 1.0 else "another form of a stored value"
    value = plain if part else best[0]
    return Link(*place, worth * 0.98 if worth >= 1.0 else worth, evidence, value, part, tuple(best[1:]))


def _coded(index: SchemaIndex, words: tuple[str, ...], values: ValueIndex) -> list[Link]:
    """The codes that the words, or short forms of them, stand for."""
    found = coded_links(index.phrases, " ".join(words), values)
    for other, worth, why in () if found else index.other_words.shortened(words):
        coded = coded_links(index.phrases, " ".join(other), values)
        found += [replace(link, worth=link.worth * worth, evidence=f"{link.evidence}: {why}") for link in coded]
    return found


def termed_links(terms: Phrases, words: str) -> list[Link]:
    """The codes that the words, in the singular, are a term for."""
    return [Link(each.table, each.column, each.worth, each.evidence, each.code) for each in terms.codes.get(words, ())]


def coded_links(phrases: Phrases, words: str, values: ValueIndex) -> list[Link]:
    """The codes that the words, in the singular, stand for; those of flags as they are stored."""
    coded = phrases.codes.get(words) or phrases.coded_stems.get(" ".join(stem(word) for word in words.split()), [])
    codes = [(each, stored(each.code, values.distinct(each.table, each.column))) for each in coded]
    return [Link(each.table, each.column, each.worth, each.evidence, code) for each, code in codes if code is not None]


def _calendar(values: ValueIndex, plain: str) -> list[Link]:
    """Weekends and weekdays, where a column holds names of days."""
    days = _DAYS.get(lemma(plain))
    if days is None:
        return []
    found = []
    for hit in values.find(days[0]):
        distinct = values.distinct(hit.table, hit.column)
        if distinct is not None and set(distinct) <= set(DAY_NAMES):
            found.append(Link(hit.table, hit.column, 0.9, "names of days", days[0], also=tuple(days[1:])))
    return found


def _places(values: ValueIndex, text: str, *, capital: bool) -> list[Link]:
    """Codes of countries and states where a column that is named for one holds the code."""
    if not capital:
        return []
    return [
        Link(hit.table, hit.column, 0.9, f"the code of the {kind}", hit.value)
        for kind, code in codes_of(text)
        for hit in values.find(code)
        if normalized(hit.value) == normalized(code) and kind in hit.column.lower() and hit.worth >= 1.0
    ]


def _nationalities(index: SchemaIndex, values: ValueIndex, plain: str) -> list[Link]:
    """The country of what is of one, and the other way round, in a column that is named for countries."""
    found = []
    for other in of_countries(plain):
        for hit in values.find(other):
            table = index.tables[hit.table]
            column = table.column(hit.column)
            if column is None or hit.worth < 1.0 or not _OF_COUNTRIES & set(words_of(table, column)):
                continue
            found.append(Link(hit.table, hit.column, 0.88, "what is of the country", hit.value))
    return found
