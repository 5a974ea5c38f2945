"""The mapping of a source to the Common Information Model, from its events and their extracted fields."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from app.addons.generator.cim.actions import action_mapping
from app.addons.generator.cim.evidence import Evidence, Source, evidence_for, lowered_texts, phrases_in, search_for
from app.addons.generator.cim.expressions import first_saying, quoted_text
from app.addons.generator.cim.kinds import KINDS
from app.addons.generator.cim.made import made_fields, whole_urls, with_leases
from app.addons.generator.cim.mapping import CimMapping, Eventtype, FieldView
from app.addons.generator.cim.roles import MAX_EVENTS, field_views, roles_of
from app.addons.generator.cim.synonyms import ROLES
from app.addons.replay.cim import models_of

_RENAMED = {"src_user": "sender", "query": "sql", "size": "bytes"}
"""Where a model's field takes another role: mail's `src_user` is the sender, a database's `query` the statement."""
_SIDES = ("src", "dest")
_SAY_MORE = {
    "traffic": ("attack", "malware", "dns", "web", "email"),
    "web": ("attack", "malware"),
    "alert": ("attack", "malware"),
}
"""An attack, a query, a request or a mail has addresses and ports too, and is more than a connection."""
_NAME_CHARACTERS = 60


def map_to_cim(sourcetype: str, product: str, events: Sequence[Mapping[str, str]], texts: Sequence[str]) -> CimMapping:
    """The mapping; `events` and `texts` are parallel. Without evidence the mapping is empty, with a note."""
    kept = tuple(events[:MAX_EVENTS])
    views = field_views(kept)
    lowered = lowered_texts(texts)[: len(kept)]
    source = Source(sourcetype, views, roles_of(views), kept, lowered, phrases_in(lowered, KINDS))
    found = _found(source)
    if not found:
        return CimMapping(notes=("No data model: neither words nor fields of these events are evidence for one.",))
    eventtypes = tuple(Eventtype(_eventtype_name(sourcetype, each), search_for(each, sourcetype)) for each in found)
    aliases, evals, notes = _Fields(with_leases(source, found), found, product).mapped()
    tags = {named.name: _tags(each, source) for named, each in zip(eventtypes, found, strict=True)}
    filled = {name for _, name in aliases} | {name for name, _ in evals} | {view.name for view in views if view.events}
    notes += tuple(_missing(tags.values(), filled))
    return CimMapping(
        eventtypes=eventtypes,
        tags=tags,
        aliases=aliases,
        evals=evals,
        notes=notes,
        models=tuple(dict.fromkeys(each.kind.model for each in found)),
    )


def _found(source: Source) -> list[Evidence]:
    """The evidence for each kind, without kinds all of whose events are of kinds that say more."""
    found = [evidence for kind in KINDS if (evidence := evidence_for(kind, source)) is not None]
    events = {each.kind.name: each.events for each in found}
    return [
        each
        for each in found
        if each.kind.name not in _SAY_MORE
        or not each.events <= frozenset().union(*(events.get(name, frozenset()) for name in _SAY_MORE[each.kind.name]))
    ]


def _eventtype_name(sourcetype: str, evidence: Evidence) -> str:
    stem = re.sub(r"[^a-z0-9]+", "_", sourcetype.lower()).strip("_")[:_NAME_CHARACTERS]
    return f"{stem}_{evidence.kind.name}" if stem else evidence.kind.name


def _missing(tags: Iterable[Sequence[str]], filled: Collection[str]) -> Iterator[str]:
    """Notes on fields that the models require and that neither the format nor the mapping has."""
    for model in dict.fromkeys(model for each in tags for model in models_of(each)):
        missing = [name for name in model.required if name not in filled]
        if missing:
            yield f"{model.name}: nothing in these events gives the required {', '.join(missing)}."


def _tags(evidence: Evidence, source: Source) -> tuple[str, ...]:
    """The kind's tags; requests for whole URLs are a proxy's."""
    proxied = evidence.kind.name == "web" and whole_urls(source)
    return (*evidence.kind.tags, "proxy") if proxied else evidence.kind.tags


class _Fields:
    """Aliases and evals of the fields of the kinds that were found."""

    def __init__(self, source: Source, found: Sequence[Evidence], product: str) -> None:
        self._source = source
        self._found = found
        self._product = product.strip()
        self._own = {view.name: view for view in source.views}
        self._wanted = tuple(dict.fromkeys(name for each in found for name in each.kind.fields))
        self._aliases: list[tuple[str, str]] = []
        self._evals: dict[str, str] = {}
        self._notes: list[str] = []

    def mapped(self) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...], tuple[str, ...]]:
        """Aliases, evals and notes."""
        self._evals.update(made_fields(self._source, self._found))
        for name in self._wanted:
            if name not in self._evals and name not in {"action", "src", "dest"}:
                self._map(name, self._views(name))
        for side in _SIDES:
            if side in self._wanted:
                self._side(side)
        self._action()
        self._constants()
        self._silent_fields()
        return tuple(dict.fromkeys(self._aliases)), tuple(sorted(self._evals.items())), tuple(self._notes)

    def _views(self, name: str) -> tuple[FieldView, ...]:
        kinds = {each.kind.name for each in self._found}
        if name == "src_user" and "email" in kinds:
            return self._source.roles.get("sender", ())
        if name == "query" and "database" in kinds:
            return self._source.roles.get("sql", ())
        return self._source.roles.get(_RENAMED[name] if name == "size" else name, ())

    def _map(self, name: str, views: Sequence[FieldView]) -> None:
        """An alias for one field without placeholders, else an eval; nothing where the format has the field itself."""
        if name in self._own:
            own = self._own[name]
            if own.events and own not in views and name in ROLES:
                self._notes.append(f"The format's own field {name} has another meaning and stays.")
            return
        if not views:
            return
        if len(views) == 1 and not views[0].placeholders:
            self._aliases.append((views[0].name, name))
            return
        self._evals[name] = first_saying(views)

    def _side(self, side: str) -> None:
        """`src` and `dest`: the address, else the name; `dest` is the reporting host where the source is the server."""
        if side in self._own and self._own[side].events:
            return
        roles = self._source.roles
        views = (*roles.get(f"{side}_ip", ()), *roles.get(f"{side}_host", ()))
        views = tuple({view.name: view for view in views}.values())
        at_host = side == "dest" and any(each.kind.name in _ON_THE_HOST for each in self._found)
        if at_host and not all(each.kind.name in _ON_THE_HOST for each in self._found):
            at_host = not views
        if not views and not at_host:
            return
        if len(views) == 1 and not views[0].placeholders and not (at_host and _sometimes(views[0], self._source)):
            self._aliases.append((views[0].name, side))
            return
        self._evals[side] = first_saying(views, *(("host",) if at_host else ()))

    def _action(self) -> None:
        if "action" not in self._wanted:
            return
        action = action_mapping(self._found, self._source)
        if action.expression:
            self._evals["action"] = action.expression
            if "action" in self._own and "vendor_action" not in self._own:
                self._aliases.append(("action", "vendor_action"))
        for kind in action.silent_kinds if "action" not in self._evals else ():
            self._notes.append(
                f"No field and no word of the {kind} events says an action; the model's action is missing."
            )

    def _constants(self) -> None:
        if not self._product:
            self._notes.append("vendor_product is missing: the request names no product.")
            return
        if "vendor_product" not in self._own:
            self._evals["vendor_product"] = quoted_text(self._product)
        authenticating = any(each.kind.model == "Authentication" for each in self._found)
        mapped = {name for _, name in self._aliases} | set(self._evals) | set(self._own)
        if authenticating and "app" not in mapped:
            self._evals["app"] = quoted_text(self._product)

    def _silent_fields(self) -> None:
        """Notes on fields that a model wants and that hold placeholders alone."""
        silent = sorted(name for name, view in self._own.items() if not view.events and view.profile.count)
        if silent:
            self._notes.append(f"Fields with placeholders alone, not mapped: {', '.join(silent[:20])}.")


_ON_THE_HOST = frozenset(
    {"authentication", "logon", "web", "process", "filesystem", "registry", "service", "update"}
    | {"change", "database", "email", "dns", "alert"}
)
"""Kinds that a host reports of itself: without another destination the host is `dest`."""


def _sometimes(view: FieldView, source: Source) -> bool:
    return len(view.events) < len(source.events)
