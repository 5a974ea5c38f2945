"""Which settings read the events' fields: each class of bodies takes the events that it understands.

A log may hold several kinds of lines: what one class leaves is given to the next, and free text takes the rest.
"""

from dataclasses import dataclass

from app.addons.generator.bodies.access import access_bodies
from app.addons.generator.bodies.delimited import delimited_bodies
from app.addons.generator.bodies.described import described_bodies, headed_bodies
from app.addons.generator.bodies.documents import json_bodies, json_in_text, xml_bodies
from app.addons.generator.bodies.event_formats import cef_bodies, leef_bodies
from app.addons.generator.bodies.pairs import pair_bodies
from app.addons.generator.bodies.prose import prose_bodies
from app.addons.generator.bodies.texts import Texts
from app.addons.generator.headers.fields import structured_data, time_parts
from app.addons.generator.headers.header import MESSAGE, Header, peel_header
from app.addons.generator.reading.boundaries import Boundaries
from app.addons.generator.settings.plan import Extraction

WHOLE = (json_bodies, xml_bodies, cef_bodies, leef_bodies, headed_bodies)
"""Classes that are told by the whole event."""
BEHIND_HEADER = (
    json_in_text,
    xml_bodies,
    cef_bodies,
    leef_bodies,
    delimited_bodies,
    access_bodies,
    pair_bodies,
    prose_bodies,
)
"""Classes that may stand behind a header, or that share a log with others."""


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
    found: list[Extraction] = []
    for read in WHOLE:
        extraction = read(texts)
        if extraction is not None:
            found.append(extraction)
            texts = texts.without(extraction.claims)
    left = [body for _, body in texts.filled]
    header = None if not left or _is_access(texts) else peel_header(left)
    if header is None:
        return Fields(None, (*found, *_behind(texts)))
    peeled = iter(header.bodies)
    bodies = [next(peeled) if body is not None and body.strip() else None for body in texts.bodies]
    found += [*structured_data(header, events), *_behind(Texts(events, bodies, MESSAGE))]
    headless = [text if body is None else None for text, body in zip(texts.bodies, bodies, strict=True)]
    return Fields(header, (*found, *time_parts(header), *_behind(Texts(events, headless))))


def _is_access(texts: Texts) -> bool:
    """Whether most events are lines of an access log: these have no header, though a host stands before their time."""
    found = access_bodies(texts)
    return found is not None and len(found.claims) > len(texts.filled) / 2


def _behind(texts: Texts) -> tuple[Extraction, ...]:
    """The extractions of texts, in the order of the classes."""
    found: list[Extraction] = []
    for read in BEHIND_HEADER:
        extraction = read(texts)
        if extraction is not None:
            found.append(extraction)
            texts = texts.without(extraction.claims)
    return tuple(found)
