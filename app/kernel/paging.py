"""Paging by opaque cursors, which stay true while rows are added.

Cursors say where the last page ended; they carry no secret and no right. RFC 8288 `Link` headers lead on.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field

from app.kernel.problems import Fault, InvalidRequest

Item = TypeVar("Item")
Shown = TypeVar("Shown")
Key = TypeVar("Key")

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_CURSOR_LENGTH = 512


class InvalidCursor(InvalidRequest):
    """The cursor was not made by this service."""

    code, title = "invalid-cursor", "The cursor is not valid"

    def __init__(self) -> None:
        message = "Take cursors from the `next_cursor` of a page."
        super().__init__(faults=[Fault(pointer="query/cursor", code=self.code, message=message)])


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How many items, and after which."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    def after(self, key: Callable[[str], Key]) -> Key | None:
        """The key of the last item of the page before, or None at the start. Raises `InvalidCursor`."""
        if self.cursor is None:
            return None
        try:
            return key(decode_cursor(self.cursor))
        except (ValueError, TypeError) as error:
            raise InvalidCursor from error


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items, and the cursor of the next page when there is one."""

    items: Sequence[Item]
    next_cursor: str | None


class PageDocument(BaseModel, Generic[Shown]):
    """One page of a list."""

    items: list[Shown] = Field(description="The items, newest first unless said otherwise.")
    next_cursor: str | None = Field(None, description="Ask for the next page with `?cursor=`; null on the last page.")


def encode_cursor(key: str) -> str:
    """An opaque, URL-safe cursor for a key."""
    return base64.urlsafe_b64encode(json.dumps(key, ensure_ascii=False).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """The key within a cursor. Raises ValueError for anything that `encode_cursor` did not make."""
    if len(cursor) > MAX_CURSOR_LENGTH:
        raise ValueError("too long")
    try:
        key = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError("not a cursor") from error
    if not isinstance(key, str) or "\x00" in key:
        raise ValueError("not a cursor")
    return key


def cut(rows: Sequence[Item], request: PageRequest, key: Callable[[Item], str]) -> Page[Item]:
    """A page from up to `limit + 1` rows: the one too many says that there is a next page."""
    items = rows[: request.limit]
    more = len(rows) > request.limit
    return Page(items=items, next_cursor=encode_cursor(key(items[-1])) if more and items else None)


def show(page: Page[Item], shape: Callable[[Item], Shown], request: Request, response: Response) -> PageDocument[Shown]:
    """The page as a document, with its RFC 8288 `Link: …; rel="next"` header set."""
    if page.next_cursor is not None:
        following = request.url.include_query_params(cursor=page.next_cursor)
        response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return PageDocument[Any](items=[shape(item) for item in page.items], next_cursor=page.next_cursor)


def _page_request(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items per page.")] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None, Query(max_length=MAX_CURSOR_LENGTH, description="`next_cursor` of the page before.")
    ] = None,
) -> PageRequest:
    return PageRequest(limit=limit, cursor=cursor)


Paging = Annotated[PageRequest, Depends(_page_request)]
