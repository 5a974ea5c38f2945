"""How an explanation is shown."""

from pydantic import Field

from app.access.explain.rules import Explanation, Narrowing
from app.kernel.schemas import StrictModel
from app.kernel.security.authorization import Permission


class CheckDocument(StrictModel):
    """A permission that the operation needs."""

    permission: Permission = Field(description="The permission.")
    description: str = Field(description="What it allows.")
    held: bool = Field(description="Whether the caller has it with this credential.")
    roles: list[str] = Field(description="The caller's roles that give it, sorted.")
    narrowed_by: list[Narrowing] = Field(description="What takes it away although a role gives it.")


class ObstacleDocument(StrictModel):
    """Something that stands against the operation."""

    code: str = Field(description="Stable, machine-readable reason.", examples=["permission-missing"])
    message: str = Field(description="The reason in words.")


class ExplanationDocument(StrictModel):
    """Why the operation is allowed or denied, as far as credential, roles and modes decide."""

    operation_id: str = Field(description="What was asked about.", examples=["promote_table"])
    method: str = Field(description="Its HTTP method.", examples=["POST"])
    path: str = Field(description="Its path template.", examples=["/api/tables/{table}/promote"])
    allowed: bool = Field(description="Whether nothing stands against it now.")
    permissions: list[CheckDocument] = Field(description="What it needs; empty when any valid credential will do.")
    needs_credential: bool = Field(description="Whether it is for authenticated callers alone.")
    obstacles: list[ObstacleDocument] = Field(description="Everything that stands against it.")


def shown(explanation: Explanation) -> ExplanationDocument:
    """The explanation as a document."""
    operation = explanation.operation
    return ExplanationDocument(
        operation_id=operation.id,
        method=operation.method,
        path=operation.path,
        allowed=explanation.allowed,
        permissions=[
            CheckDocument(
                permission=check.permission,
                description=check.permission.description,
                held=check.held,
                roles=list(check.roles),
                narrowed_by=list(check.narrowed_by),
            )
            for check in explanation.checks
        ],
        needs_credential=operation.needs_credential,
        obstacles=[ObstacleDocument(code=each.code, message=each.message) for each in explanation.obstacles],
    )
