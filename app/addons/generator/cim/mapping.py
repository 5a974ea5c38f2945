"""The values that a mapping to the Common Information Model is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.addons.generator.shapes.profiles import FieldProfile


@dataclass(frozen=True)
class FieldView:
    """A field of the source: its name, its values' profile, and the numbers of the events in which it says something.

    An event in which the value is a placeholder is not among `events`. `placeholders` are those that were seen.
    """

    name: str
    profile: FieldProfile
    events: frozenset[int]
    placeholders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Eventtype:
    """A stanza of eventtypes.conf. The search has no pipe, macro or subsearch."""

    name: str
    search: str


@dataclass(frozen=True)
class CimMapping:
    """What a source needs to appear in data models.

    `tags` are by event type; `aliases` are (the source's field, CIM's field), for FIELDALIAS; `evals` are (CIM's field,
    expression), for EVAL; `models` are the data models by Splunk's names; `notes` say what could not be mapped and why.
    """

    eventtypes: tuple[Eventtype, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: tuple[tuple[str, str], ...] = ()
    evals: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
