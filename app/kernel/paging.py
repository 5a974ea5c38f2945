"""Pages of a list: behind an opaque cursor, or by their number.

Cursors stay true while rows are added. They say where the last page ended; they carry no secret and no right. Numbers
are for whoever wants totals. RFC 8288 `Link` headers lead on from both.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Annotated, Any, Generic, Self, TypeVar

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field

from app.kernel.problems import Fault, InvalidRequest

Item = TypeVar("Item")
Shown = TypeVar("Shown")
Key = TypeVar("Key")

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_CURSOR_LENGTH = 1024
MAX_NUMBER = 1_000
"""Of a page: PostgreSQL reads all rows before a page that is asked for by its number."""
MAX_SORTS = 5


class InvalidCursor(InvalidRequest):
    """The cursor was not made by this service."""

    code, title = "invalid-cursor", "The cursor is not valid"

    def __init__(self) -> None:
        message = "Take cursors from the `next_cursor` of a page, and keep its `sort`."
        super().__init__(faults=[Fault(pointer="query/cursor", code=self.code, message=message)])


class InvalidPage(InvalidRequest):
    """The parameters ask for a page in two ways at once."""

    code, title = "invalid-page", "A page cannot be asked for so"


class InvalidSort(InvalidRequest):
    """The list cannot be sorted so."""

    code, title = "invalid-sort", "The list cannot be sorted so"


@dataclass(frozen=True, slots=True)
class Sort:
    """A field by which a list is sorted."""

    name: str
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How many items; after which, or on which page; sorted by what."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    number: int | None = None
    """From 1; None where no page was asked for by its number."""
    sort: tuple[Sort, ...] = ()

    @property
    def offset(self) -> int:
        """Items before the page, where the page has a number; else 0."""
        return 0 if self.number is None else (self.number - 1) * self.limit

    def after(self, key: Callable[[str], Key]) -> Key | None:
        """The key of the last item of the page before, or None at the start. Raises `InvalidCursor`."""
        if self.cursor is None:
            return None
        try:
            return key(decode_cursor(self.cursor))
        except (ValueError, TypeError) as error:
            raise InvalidCursor from error


@dataclass(frozen=True, slots=True)
class Numbered:
    """What is known of a page that has a number."""

    page: int
    page_size: int
    total: int
    is_estimate: bool = False
    """Whether the total is an estimate: lists are counted to 10,000."""

    @property
    def last(self) -> int:
        """The number of the last page; 1 of an empty list."""
        return max(1, ceil(self.total / self.page_size))


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items, the cursor of the next page when there is one, and totals where they were asked for."""

    items: Sequence[Item]
    next_cursor: str | None
    numbered: Numbered | None = None

    @classmethod
    def empty(cls, request: PageRequest) -> Self:
        """The page of a list in which there is nothing."""
        return cls((), None, None if request.number is None else Numbered(request.number, request.limit, 0))

    def shaped(self, shape: Callable[[Item], Shown]) -> "Page[Shown]":
        """The page with each item in the shape."""
        return Page([shape(item) for item in self.items], self.next_cursor, self.numbered)


def _is_none(value: Any) -> bool:
    return value is None


class PageDocument(BaseModel, Generic[Shown]):
    """One page of a list. What follows `next_cursor` is there when the page was asked for by `page` or `page_size`."""

    items: list[Shown] = Field(description="The items, newest first unless said otherwise.")
    next_cursor: str | None = Field(None, description="Ask for the next page with `?cursor=`; null on the last page.")
    page: int | None = Field(None, description="Number of this page, from 1.", exclude_if=_is_none)
    page_size: int | None = Field(None, description="Items of a whole page.", exclude_if=_is_none)
    total: int | None = Field(None, description="Items of the list; exact up to 10,000.", exclude_if=_is_none)
    total_is_estimate: bool | None = Field(
        None, description="Whether the total is an estimate, as of lists of more than 10,000.", exclude_if=_is_none
    )
    has_next: bool | None = Field(None, description="Whether a page follows.", exclude_if=_is_none)
    has_prev: bool | None = Field(None, description="Whether a page comes before.", exclude_if=_is_none)


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


def show(page: Page[Item], shape: Callable[[Item], Shown], request: Request, response: Response) -> PageDocument[Shown]:
    """The page as a document, with its RFC 8288 `Link` header set."""
    document = PageDocument[Any](items=[shape(item) for item in page.items], next_cursor=page.next_cursor)
    links: dict[str, str] = {}
    if page.numbered is None:
        if page.next_cursor is not None:
            links["next"] = _address(request, cursor=page.next_cursor)
    else:
        for name, value in _facts(page.numbered, has_next=page.next_cursor is not None).items():
            setattr(document, name, value)
        links = {name: _address(request, page=number) for name, number in _numbers(document, page.numbered).items()}
    if links:
        response.headers["Link"] = ", ".join(f'<{address}>; rel="{name}"' for name, address in links.items())
    return document


def _facts(numbered: Numbered, *, has_next: bool) -> dict[str, Any]:
    return {
        "page": numbered.page,
        "page_size": numbered.page_size,
        "total": numbered.total,
        "total_is_estimate": numbered.is_estimate,
        "has_next": has_next,
        "has_prev": numbered.page > 1,
    }


def _numbers(document: PageDocument[Any], numbered: Numbered) -> dict[str, int]:
    """The pages that the `Link` header leads to, by their relation; the last one only where the total is exact."""
    found = {"first": 1}
    if document.has_prev:
        found["prev"] = min(numbered.page - 1, numbered.last) if not numbered.is_estimate else numbered.page - 1
    if document.has_next:
        found["next"] = numbered.page + 1
    return found if numbered.is_estimate else found | {"last": numbered.last}


def _address(request: Request, **parameters: Any) -> str:
    following = request.url.include_query_params(**parameters)
    return f"{following.path}?{following.query}"


_Limit = Annotated[int | None, Query(ge=1, le=MAX_LIMIT, description=f"Items per page; {DEFAULT_LIMIT} when absent.")]
_Cursor = Annotated[str | None, Query(max_length=MAX_CURSOR_LENGTH, description="`next_cursor` of the page before.")]
_Number = Annotated[int | None, Query(ge=1, le=MAX_NUMBER, description="Number of a page, from 1; answers totals.")]
_Size = Annotated[int | None, Query(ge=1, le=MAX_LIMIT, description="Items per page; answers totals.")]


def _page_request(
    limit: _Limit = None, cursor: _Cursor = None, page: _Number = None, page_size: _Size = None
) -> PageRequest:
    """The page that is asked for. Raises `InvalidPage`."""
    if page is None and page_size is None:
        return PageRequest(limit or DEFAULT_LIMIT, cursor)
    faults = []
    if cursor is not None:
        faults.append(_fault("cursor", "A page has a cursor or a number: leave out `page` and `page_size`."))
    if limit is not None and page_size is not None:
        faults.append(_fault("limit", "Give `page_size` alone, which says the same."))
    if faults:
        raise InvalidPage(faults=faults)
    return PageRequest(page_size or limit or DEFAULT_LIMIT, None, page or 1)


def _fault(name: str, message: str) -> Fault:
    return Fault(pointer=f"query/{name}", code=InvalidPage.code, message=message)


Paging = Annotated[PageRequest, Depends(_page_request)]


def sorted_by(*names: str) -> Any:
    """A dependency: the page that is asked for, of a list that may be sorted by these fields. Raises `InvalidSort`."""
    known, field = ", ".join(names), f"-?({'|'.join(names)})"
    description = f"Fields by commas, `-` in front of those that fall: {known}."
    pattern = f"^{field}(,{field}){{0,{MAX_SORTS - 1}}}$"  # documented alone: `_sorts` says what would be right

    def request(
        paging: Paging,
        sort: Annotated[
            str | None,
            Query(
                max_length=200,
                description=description,
                examples=[f"-{names[0]}"],
                json_schema_extra={"pattern": pattern},
            ),
        ] = None,
    ) -> PageRequest:
        if sort is None:
            return paging
        return PageRequest(paging.limit, paging.cursor, paging.number, _sorts(sort, names))

    return Depends(request)


def _sorts(text: str, names: Sequence[str]) -> tuple[Sort, ...]:
    """The sorts that the text asks for, such as `-created_at,name`. Raises `InvalidSort`."""
    sorts = [Sort(part.strip().removeprefix("-"), part.strip().startswith("-")) for part in text.split(",")]
    asked = [sort.name for sort in sorts]
    wrong = [name for name in dict.fromkeys(asked) if name not in names or asked.count(name) > 1]
    if wrong or len(sorts) > MAX_SORTS:
        message = f"Sort by some of {', '.join(names)}, each once and at most {MAX_SORTS}, as `-{names[0]}`."
        raise InvalidSort(faults=[Fault(pointer="query/sort", code=InvalidSort.code, message=message)])
    return tuple(sorts)
