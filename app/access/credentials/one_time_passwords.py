"""The operations that are open to a person with a one-time password: see who they are, change it, log out.

The rule stands where callers are resolved, so no route can forget it.
"""

from starlette.types import Scope

from app.kernel.problems import Forbidden
from app.kernel.security.authorization import Actor

OWN_PASSWORD = ("POST", "/api/users/{user_id}/password")
OPEN = frozenset({("GET", "/api/auth/me"), ("POST", "/api/auth/logout"), OWN_PASSWORD})
"""Method and path template of what stays open."""


class PasswordChangeNeeded(Forbidden):
    """The caller has a one-time password."""

    code, title = "password-change-needed", "The one-time password must be changed first"


def is_open(method: str, template: str) -> bool:
    """Whether the operation is open to a person with a one-time password; the change, of one's own alone."""
    return (method, template) in OPEN


def check_open(scope: Scope, actor: Actor) -> None:
    """Return when the request may go on. Raises `PasswordChangeNeeded`."""
    template = getattr(scope.get("route"), "path", "")
    method = scope.get("method", "")
    own = scope.get("path_params", {}).get("user_id", "").lower() == str(actor.id)
    if is_open(method, template) and (own or (method, template) != OWN_PASSWORD):
        return
    raise PasswordChangeNeeded(f"Change it with POST /api/users/{actor.id}/password.")
