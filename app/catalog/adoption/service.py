"""Takes relations that exist already as READ_ONLY tables. The relations are not touched; grants alone are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.catalog.adoption.patterns import PATTERN_KINDS, AdoptionRefusal, RelationPattern, logical_name, refusal
from app.catalog.baselines.service import Baselines
from app.catalog.tables.registry import TableRegistry
from app.kernel.db.database import WriteSession
from app.kernel.problems import Fault, InvalidRequest
from app.kernel.security.authorization import Actor
from app.warehouse.inspection import MAX_MATCHES, FoundRelation, Inspector, RelationKind, is_system_schema
from app.warehouse.naming import HIDDEN_PREFIX, RelationName
from app.warehouse.publishing import GrantNeeded, publish


class TooManyRelations(InvalidRequest):
    """The patterns find more relations than one call adopts."""

    code, title = "too-many-relations", "The patterns match too many relations"


@dataclass(frozen=True, slots=True)
class Adoption:
    """What became of one relation, or of one pattern which found none."""

    relation: str
    name: str | None = None
    table_id: UUID | None = None
    refusal: AdoptionRefusal | None = None
    grant: str | None = None
    """SQL that its owner can run, when that is what is missing."""


class AdoptionService:
    """Adopts relations."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session
        self._registry = TableRegistry(session)
        self._inspector = Inspector(session)
        self._baselines = Baselines(session)

    async def adopt(
        self,
        patterns: Sequence[RelationPattern],
        names: Mapping[str, str],
        reason: str | None,
        actor: Actor,
        *,
        dry_run: bool,
    ) -> list[Adoption]:
        """What became of every relation that the patterns find, by name, and of every pattern that finds none.

        Args:
            patterns: what to look for.
            names: logical names for relations (`schema.relation`) which are not to keep their own.
            reason: kept in the history.
            actor: the owner of the tables.
            dry_run: judge alone; whether grants are missing shows only when it is tried.

        Raises:
            TooManyRelations: more than `MAX_MATCHES` relations match.
        """
        found = await self._find(patterns)
        await self._registry.reserve([name for item in found if (name := logical_name(item.relation, names))])
        registered = await self._registry.registered([item.relation for item in found])
        taken: set[str] = set()
        report = []
        for item in found:
            adoption = self._judge(item, names, registered)
            if adoption.refusal is None and await self._is_taken(str(adoption.name), taken):
                adoption = replace(adoption, refusal=AdoptionRefusal.NAME_TAKEN)
            if adoption.refusal is None and not dry_run:
                adoption = await self._adopt(item, adoption, reason, actor)
            if adoption.refusal is None:
                taken.add(str(adoption.name))
            report.append(adoption)
        adopted = zip(found, report, strict=True)
        await self._baselines.take({made.table_id: item.relation for item, made in adopted if made.table_id})
        missing = [pattern for pattern in patterns if not any(pattern.finds(item.relation) for item in found)]
        return report + [
            Adoption(f"{pattern.schema}.{pattern.name}", refusal=AdoptionRefusal.NOT_FOUND) for pattern in missing
        ]

    async def _find(self, patterns: Sequence[RelationPattern]) -> list[FoundRelation]:
        wild = [pattern.like for pattern in patterns if pattern.wild]
        exact = [pattern.like for pattern in patterns if not pattern.wild]
        found: dict[RelationName, FoundRelation] = {}
        for wanted, kinds in ((wild, PATTERN_KINDS), (exact, frozenset(RelationKind))):
            for item in await self._inspector.find(wanted, kinds) if wanted else ():
                named = any(not pattern.wild and pattern.finds(item.relation) for pattern in patterns)
                if named or not is_system_schema(item.relation.schema):
                    found[item.relation] = item
        if len(found) > MAX_MATCHES:
            message = f"More than {MAX_MATCHES} relations match."
            raise TooManyRelations(faults=[Fault(pointer="/relations", code="too-many-relations", message=message)])
        return sorted(found.values(), key=lambda item: (item.relation.schema, item.relation.name))

    def _judge(self, item: FoundRelation, names: Mapping[str, str], registered: set[RelationName]) -> Adoption:
        name = logical_name(item.relation, names)
        refused = AdoptionRefusal.ALREADY_ADOPTED if item.relation in registered else refusal(item)
        if refused is None and name is None:
            refused = AdoptionRefusal.NAME_UNUSABLE
        return Adoption(str(item.relation), name=name, refusal=refused)

    async def _is_taken(self, name: str, taken: set[str]) -> bool:
        return name in taken or await self._registry.next_version(name) > 1

    async def _adopt(self, item: FoundRelation, judged: Adoption, reason: str | None, actor: Actor) -> Adoption:
        shape = tuple(column for column in item.columns if not column.name.startswith(HIDDEN_PREFIX))
        try:
            async with self._session.begin_nested():  # without the grant there is no table either
                version = await self._registry.register_adopted(str(judged.name), item.relation, shape, actor, reason)
                await publish(self._session, item.relation, [column.name for column in shape])
        except GrantNeeded as error:
            return replace(judged, refusal=AdoptionRefusal.GRANT_NEEDED, grant=error.statement)
        return replace(judged, table_id=version.id)
