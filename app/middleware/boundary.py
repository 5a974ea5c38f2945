"""The last resort: what nothing else has answered becomes a 500 without details, and one log line with the details.

Every 500 is a bug; its log line names types, places and SQLSTATE, never parameters or the text of a database's error.
"""

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from app.kernel.problems import Problem
from app.middleware.answers import OBSERVED, refuse
from app.middleware.correlation import request_id
from app.middleware.layer import HttpLayer

log = structlog.stdlib.get_logger("spyne.boundary")


class InternalError(Problem):
    """A bug."""

    code, title, status = "internal-error", "The service has failed", 500


class AnswerCut(Exception):  # noqa: N818 - says what happened; it is raised only to make the server cut the connection
    """An answer had begun and cannot be completed."""


class Boundary(HttpLayer):
    """Answers 500 for an exception that got here; after a begun answer the connection is cut instead."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request; no exception but `AnswerCut` leaves, which makes the server cut the connection."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except AnswerCut:
            raise
        except ClientDisconnect:
            return  # nobody is left to be answered, and it is no bug
        except Exception:
            log.exception("unhandled exception", correlation_id=request_id(scope), method=scope["method"])
            if started:
                raise AnswerCut from None
            scope[OBSERVED] = True  # by the line above
            problem = InternalError("An error was logged under the correlation id of this answer.")
            await refuse(scope, receive, send, problem)
