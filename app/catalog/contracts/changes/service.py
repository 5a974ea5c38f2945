"""Changes of a contract that leave its columns and semantics alone: words, owner, policies. Others are drift."""

from typing import Any

from app.access.users.service import UserService
from app.audit.log.service import AuditTrail
from app.catalog.contracts.actions import ContractAction
from app.catalog.contracts.changes.schemas import ContractChange
from app.catalog.contracts.column_words import ColumnWords, word_documents
from app.catalog.contracts.record import ContractRecord
from app.catalog.contracts.repository import ContractWrites
from app.catalog.contracts.review import InvalidContract
from app.catalog.contracts.schemas import ColumnWordsDocument, MaxRejectedDocument
from app.catalog.contracts.service import ContractNotFound, ContractReading
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.http.etags import check_if_match
from app.kernel.problems import Fault, pointer_to
from app.kernel.security.authorization import Actor
from app.kernel.security.policy import PolicyInForce
from app.kernel.security.secrets import ServiceSecret

NEVER_NULL = ("owner", "unknown_columns", "type_changes")
"""Fields that a change may leave out and may not empty."""


class ContractChanges:
    """Changes contracts, in the caller's transaction."""

    def __init__(self, session: WriteSession, secret: ServiceSecret, clock: Clock, policy: PolicyInForce) -> None:
        self._contracts = ContractWrites(session)
        self._reading = ContractReading(session)
        self._users = UserService(session, secret, clock, policy)
        self._audit = AuditTrail(session)

    async def change(
        self, contract_id: str, wanted: ContractChange, if_match: str | None, actor: Actor
    ) -> ContractRecord:
        """The contract, changed. Nothing is written when it says all of that already.

        Raises:
            ContractNotFound: there is none that the actor sees.
            PreconditionFailed: it was changed since it was read.
            InvalidContract: a column or the owner is not there, or a field may not be null; every fault is listed.
        """
        await self._reading.get(contract_id, actor)
        found = await self._contracts.lock(contract_id)
        if found is None:
            raise ContractNotFound(contract_id)
        check_if_match(if_match, found.etag)
        faults = [
            Fault(pointer=f"/{name}", code="null", message=f"{name} may be left out; it may not be null.")
            for name in NEVER_NULL
            if name in wanted.model_fields_set and getattr(wanted, name) is None
        ]
        values = await self._values(found, wanted, faults)
        if faults:
            raise InvalidContract(faults=faults)
        before = _said(found)
        changed = {name: value for name, value in values.items() if before.get(name) != value}
        if not changed:
            return found
        await self._contracts.change(contract_id, changed)
        await self._audit.append(
            actor,
            ContractAction.CHANGED,
            "contract",
            contract_id,
            contract_id,
            before={name: before.get(name) for name in changed if name != "owner_id"},
            after={name: value for name, value in changed.items() if name != "owner_id"},
        )
        return await self._reading.get(contract_id, actor)

    async def _values(self, found: ContractRecord, wanted: ContractChange, faults: list[Fault]) -> dict[str, Any]:
        """The columns of the row that are wanted to be other ones; faults are added to the list."""
        asked = wanted.model_fields_set
        values: dict[str, Any] = {}
        if "description" in asked:
            values["description"] = wanted.description
        for name in ("unknown_columns", "type_changes"):
            policy = getattr(wanted, name)
            if policy is not None:
                values[name] = policy.value
        if "max_rejected" in asked:
            limit = wanted.max_rejected or MaxRejectedDocument()
            values |= {"max_rejected_rows": limit.rows, "max_rejected_share": limit.share}
        if wanted.owner is not None:
            values |= await self._owner(found, wanted.owner, faults)
        if wanted.columns:
            values["column_words"] = await self._words(found, wanted, faults)
        return values

    async def _owner(self, found: ContractRecord, username: str, faults: list[Fault]) -> dict[str, Any]:
        user = await self._users.by_username(username)
        if user is None and username == found.owner_label:
            return {}  # a client's contract, or one of a user who is gone, sent back as it was read
        if user is None:
            message = f"There is no user {username!r}; give the username of a person."
            faults.append(Fault(pointer="/owner", code="unknown-user", message=message))
            return {}
        return {"owner_id": user.id, "owner_label": user.username}

    async def _words(self, found: ContractRecord, wanted: ContractChange, faults: list[Fault]) -> dict[str, Any]:
        schema = await self._contracts.schema(found.id, None)
        names = {column.name for column in schema.columns} if schema else set()
        for name in wanted.columns:
            if name not in names:
                message = f"The contract has no column {name!r}. Its columns: {', '.join(sorted(names)) or 'none yet'}."
                faults.append(Fault(pointer="/columns" + pointer_to([name]), code="unknown-column", message=message))
        return word_documents({**found.words, **{name: _read(each) for name, each in wanted.columns.items()}})


def _read(words: ColumnWordsDocument) -> ColumnWords:
    return ColumnWords(words.description, tuple(words.labels), words.sensitivity)


def _said(contract: ContractRecord) -> dict[str, Any]:
    policy, words = contract.policy, contract.words
    return {
        "description": contract.description,
        "unknown_columns": policy.unknown_columns.value,
        "type_changes": policy.type_changes.value,
        "max_rejected_rows": policy.max_rejected_rows,
        "max_rejected_share": policy.max_rejected_share,
        "owner_id": contract.owner_id,
        "owner_label": contract.owner_label,
        "column_words": word_documents(words),
    }
