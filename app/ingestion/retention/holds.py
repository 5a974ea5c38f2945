"""What a hold on something that batches leave behind may name."""

from uuid import UUID

from pydantic import Field

from app.kernel.ports.retention import HoldFilter


class BatchHold(HoldFilter):
    """Also which contract, batch or sender."""

    contract_id: str | None = Field(None, max_length=200, description="The contract that batches came under.")
    batch_id: UUID | None = Field(None, description="One batch.")
    sender_id: UUID | None = Field(None, description="User or client who sent them.")


_FIELDS = {"contract_id": "{}.contract_id", "batch_id": "{}.id", "sender_id": "{}.actor_id"}


def hold_fields(alias: str) -> dict[str, str]:
    """SQL of the fields of a `BatchHold`, where the alias stands for `spyne.ingestion_history`."""
    return {name: sql.format(alias) for name, sql in _FIELDS.items()}
