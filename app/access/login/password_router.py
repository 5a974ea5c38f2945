"""`POST /api/users/{user_id}/password`: a password is replaced, which ends what was made with the old one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.access.login.password_change import NoLocalPassword, PasswordChange, TooManyFailures, WrongPassword
from app.access.subject_status import Credential
from app.access.users.schemas import NewPassword, PasswordDocument
from app.audit.log.origin import client_address
from app.kernel.db.database import OperationClass
from app.kernel.http.caching import NO_STORE
from app.kernel.http.errors import problem_response
from app.kernel.http.etags import etag
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import controls, operation
from app.kernel.problems import Forbidden, Problem, responses
from app.kernel.security.authorization import AnyActor

router = APIRouter(prefix="/api", tags=["access"], route_class=TransactionalRoute)

PasswordsDep = Annotated[PasswordChange, controls(PasswordChange)]


@router.post(
    "/users/{user_id}/password",
    operation_id="set_user_password",
    response_model=PasswordDocument,
    responses=responses(Forbidden, WrongPassword, NoLocalPassword, TooManyFailures),
    openapi_extra=operation(OperationClass.CONTROL),
)
async def set_user_password(
    user_id: UUID, wanted: NewPassword, actor: AnyActor, changes: PasswordsDep, request: Request, response: Response
) -> Response | PasswordDocument:
    """Replace a password: an admin anybody's, a person their own with the current one.

    It ends the person's tokens and sessions, but for the browser session in which one changes one's own.
    Open in every mode, so that an admin with a one-time password can get to end a maintenance.
    """
    new, current = (each.get_secret_value() if each else None for each in (wanted.password, wanted.current_password))
    shown: Credential = request.scope["spyne.credential"]
    keeping = shown.session_id if shown.kind == "session" else None
    answer = await changes.change(actor, user_id, new, current, client_address(), session_id=keeping)
    if isinstance(answer, Problem):  # answered, not raised: the failure that it counts is committed
        return problem_response(answer)
    response.headers.update(NO_STORE | {"ETag": etag(answer.user.version)})
    return PasswordDocument(one_time_password=answer.one_time)
