"""What the OpenAPI document says of contracts' answers beyond their schemas: headers and examples."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from app.catalog.contracts.definition import ChangePolicy
from app.catalog.contracts.schemas import (
    ColumnsDifferenceDocument,
    FieldChangeDocument,
    FormerDocument,
    OwnerDocument,
    RegistrationDocument,
    ShownColumn,
    ShownSemantics,
)
from app.catalog.tables.lifecycle import TableState
from app.warehouse.plan import Mode, Resolution

_REGISTERED: Final = RegistrationDocument(
    id="customers_v1",
    table_id=UUID("01890000-0000-7000-8000-000000000000"),
    table_name="customers",
    version=1,
    state=TableState.SHADOW,
    endpoint="/api/v1/customers",
    ingestion_semantics=ShownSemantics(
        mode=Mode.UPSERT,
        idempotency_key=["customer_id"],
        event_time_column="changed_at",
        processing_time_column="ingested_at",
        dedupe_window="24h",
        conflict_resolution=Resolution.LATEST_WINS,
    ),
    unknown_columns=ChangePolicy.FREEZE,
    type_changes=ChangePolicy.FREEZE,
    max_rejected=None,
    owner=OwnerDocument(id=UUID("01890000-0000-7000-8000-000000000001"), label="ada"),
    schema_version=1,
    created_at=datetime(2030, 1, 1, tzinfo=UTC),
    created=True,
    summary="customers_v1 is registered. Its table is in SHADOW until an admin promotes it.",
    former=None,
)
_FURTHER: Final = _REGISTERED.model_copy(
    update={
        "id": "customers_v2",
        "version": 2,
        "summary": (
            "customers_v2 is a further version with an empty table of its own; it differs in dedupe_window and the "
            "new column country from customers_v1, whose table is ACTIVE and stays as it is until an admin promotes "
            "customers@2."
        ),
        "former": FormerDocument(
            contract_id="customers_v1",
            state=TableState.ACTIVE,
            fields=[FieldChangeDocument(field="dedupe_window", before="24h", after="7d")],
            columns=ColumnsDifferenceDocument(
                added=[ShownColumn(name="country", type="varchar(2)", nullable=True, checks=[])],
                removed=[],
                changed=[],
                breaking=False,
            ),
            reordered=False,
        ),
    }
)
_SAME: Final = _REGISTERED.model_copy(
    update={
        "created": False,
        "state": TableState.ACTIVE,
        "summary": "The same contract is registered already, as customers_v1, and its table is ACTIVE: nothing was "
        "stored.",
    }
)

_TAGGED: Final[dict[str, Any]] = {
    "Location": {"description": "The contract.", "schema": {"type": "string"}},
    "ETag": {"description": "The version of the contract.", "schema": {"type": "string"}},
}


def _shown(examples: dict[str, RegistrationDocument]) -> dict[str, Any]:
    values = {
        summary: {"summary": summary, "value": each.model_dump(mode="json")} for summary, each in examples.items()
    }
    return {"headers": _TAGGED, "content": {"application/json": {"examples": values}}}


REGISTERED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "model": RegistrationDocument,
        "description": "The same contract was registered before, and is answered; nothing was stored.",
        **_shown({"The same again": _SAME}),
    },
    201: {
        "description": "The contract is registered; its table is in SHADOW.",
        **_shown({"The first of its table": _REGISTERED, "A further version": _FURTHER}),
    },
}
"""What a registration answers."""
