"""`/api/sessions`: which log-ins go on, and ending them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from app.access.sessions.actions import EndReason
from app.access.sessions.models import UserSession
from app.access.sessions.schemas import SessionDocument
from app.access.sessions.service import SessionReading, SessionService
from app.access.subject_status import Credential
from app.kernel.db.database import OperationClass
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import controls, operation, reads
from app.kernel.paging import PageDocument, Paging, show
from app.kernel.problems import Forbidden
from app.kernel.security.authorization import Actor, AnyActor, Permission

router = APIRouter(prefix="/api", tags=["access"], route_class=TransactionalRoute)


ReadingDep = Annotated[SessionReading, reads(SessionReading)]
SessionsDep = Annotated[SessionService, controls(SessionService)]


def _administers(actor: Actor) -> bool:
    return actor.may(Permission.USERS_ADMIN)


async def _whose(
    actor: AnyActor,
    user_id: Annotated[
        UUID | None, Query(description="Of this person; others than oneself need `users:admin`.")
    ] = None,
    all_: Annotated[bool, Query(alias="all", description="Of everybody; needs `users:admin`.")] = False,
) -> UUID | None:
    """The person whose sessions are asked for; None for everybody."""
    foreign = all_ or user_id not in {None, actor.id}
    if foreign and not _administers(actor):
        raise Forbidden("Other people's sessions are shown to those who administer them.")
    return None if all_ and user_id is None else user_id or actor.id


@router.get("/sessions", operation_id="list_sessions")
async def list_sessions(
    whose: Annotated[UUID | None, Depends(_whose)],
    reading: ReadingDep,
    paging: Paging,
    request: Request,
    response: Response,
) -> PageDocument[SessionDocument]:
    """Sessions that go on, one's own by default, newest first."""
    credential: Credential = request.scope["spyne.credential"]
    page = await reading.page(whose, paging)
    return show(page, lambda session: _document(session, credential.session_id), request, response)


@router.delete(
    "/sessions/{session_id}",
    operation_id="end_session",
    status_code=204,
    openapi_extra=operation(OperationClass.CONTROL),
)
async def end_session(session_id: UUID, actor: AnyActor, sessions: SessionsDep) -> None:
    """End a session: its cookie, access tokens and refresh tokens stop everywhere within a second.

    Open in every mode. Other people's sessions are there for those alone who administer people.
    """
    await sessions.end(actor, session_id, EndReason.REVOKED, of=None if _administers(actor) else actor.id)


def _document(session: UserSession, current: UUID | None) -> SessionDocument:
    fields = {name: getattr(session, name) for name in SessionDocument.model_fields if hasattr(session, name)}
    scope = None if session.scope is None else session.scope.split(" ")
    more = {"username": session.user.username, "scope": scope, "current": session.id == current}
    return SessionDocument.model_validate(fields | more)
