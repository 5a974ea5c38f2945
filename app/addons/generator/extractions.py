"""Which settings read the events' fields: each class of bodies takes the events that it understands.

A log may hold several kinds of lines: what one class leaves is given to the next, and free text takes the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.addons.generator.bodies.access import access_bodies
from app.addons.generator.bodies.delimited import delimited_bodies
from app.addons.generator.bodies.described import described_bodies, headed_bodies
from app.addons.generator.bodies.documents import json_bodies, json_in_text, xml_bodies
from app.addons.generator.bodies.event_formats import cef_bodies, leef_bodies
from app.addons.generator.bodies.pairs import pair_bodies
from app.addons.generator.bodies.prose import prose_bodies
from app.addons.generator.bodies.texts import Texts
from app.addons.generator.boundaries import Boundaries
from app.addons.generator.header import MESSAGE, Header, peel_header
from app.addons.generator.plan import Extraction

WHOLE = (json_bodies, xml_bodies, cef_bodies, leef_bodies, headed_bodies)
"""Classes that are told by the whole event."""
BEHIND_HEADER = (json_in_text, xml_bodies, cef_bodies, leef_bodies, delimited_bodies)
"""Classes that may stand behind a header; one of them reads all texts."""


@dataclass(frozen=True)
class Fields:
    """The header, and the extractions in the order in which they are written."""

    header: Header | None
    extractions: tuple[Extraction, ...]

    @property
    def claimed(self) -> frozenset[int]:
        """The events that some class has understood."""
        return frozenset().union(*(each.claims for each in self.extractions))


def find_fields(boundaries: Boundaries) -> Fields:
    """The extractions of the events."""
    events = boundaries.events
    texts = Texts(events, events)
    described = described_bodies(texts, boundaries.comments)
    if described is not None:
        return Fields(None, (described,))
    whole = next((found for read in WHOLE if (found := read(texts)) is not None), None)
    if whole is not None and whole.kind not in ("cef", "leef"):
        return Fields(None, (whole, *_rest(texts.without(whole.claims), events)))
    header = None if _is_access(texts) else peel_header(events)
    if header is None:
        return Fields(None, (whole, *_rest(texts.without(whole.claims), events)) if whole else _behind(texts))
    return Fields(header, _behind(Texts(events, header.bodies, MESSAGE), Texts(events, events)))


def _is_access(texts: Texts) -> bool:
    """Whether most events are lines of an access log: these have no header, though a host stands before their time."""
    found = access_bodies(texts)
    return found is not None and len(found.claims) > len(texts.events) / 2


def _behind(texts: Texts, whole: Texts | None = None) -> tuple[Extraction, ...]:
    """The extractions of texts: one class that reads all, or those that share them."""
    one = next((found for read in BEHIND_HEADER if (found := read(texts)) is not None), None)
    if one is not None:
        return (one, *_rest(texts.without(one.claims), texts.events))
    found = [found for read in (access_bodies, pair_bodies) if (found := read(texts)) is not None]
    claimed = frozenset().union(*(each.claims for each in found))
    return (*found, *_prose(texts, claimed))


def _prose(texts: Texts, claimed: frozenset[int]) -> tuple[Extraction, ...]:
    """The extraction of free text: of what is left, and of the sentences among pairs."""
    left = prose_bodies(texts.without(claimed))
    return () if left is None else (left,)


def _rest(texts: Texts, events: Sequence[str]) -> tuple[Extraction, ...]:
    left = prose_bodies(texts)
    return () if left is None else (left,)
