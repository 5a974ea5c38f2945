"""`?explain=<operation id>` as a dependency of the route `GET /api/auth/me`."""

from typing import Annotated

from fastapi import Depends, Query, Request

from app.access.explain.schemas import ExplanationDocument, shown
from app.access.explain.service import Explaining
from app.kernel.http.sessions import Reads
from app.kernel.security.authorization import AnyActor

MAX_OPERATION_ID = 128


async def _explanation(
    _: AnyActor,  # first: it leaves the credential in the scope
    request: Request,
    session: Reads,
    explain: Annotated[
        str | None,
        Query(
            max_length=MAX_OPERATION_ID,
            description="An operation id of the OpenAPI document: tell why that operation is allowed or denied.",
            examples=["promote_table"],
        ),
    ] = None,
) -> ExplanationDocument | None:
    if explain is None:
        return None
    explaining = Explaining(session, request.app.routes, request.app.state.doors)
    return shown(await explaining.explain(request.scope["spyne.credential"], explain))


Explained = Annotated[ExplanationDocument | None, Depends(_explanation)]
"""Why the operation that was asked about is open to the caller or not; None when none was."""
