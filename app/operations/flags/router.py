"""`/system/flags`: what flags there are and whom they are on for."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.kernel.http.etags import IfMatch
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import reads, writes
from app.kernel.paging import PageDocument, PageRequest, show, sorted_by
from app.kernel.problems import NotFound, PreconditionFailed, responses
from app.operations.flags.definition import FlagType
from app.operations.flags.models import MAX_KEY
from app.operations.flags.repository import FlagReads
from app.operations.flags.schemas import KEY_PATTERN, FlagChange, FlagDocument, NewFlag
from app.operations.flags.service import FlagKeyTaken, FlagService, InvalidFlag, tagged
from app.operations.permissions import CanRunSystem, CanSeeSystem

router = APIRouter(prefix="/system/flags", tags=["flags"], route_class=TransactionalRoute)

FlagKey = Annotated[str, Path(pattern=KEY_PATTERN, max_length=MAX_KEY, description="Key of the flag.")]


FlagListDep = Annotated[FlagReads, reads(FlagReads)]
FlagsDep = Annotated[FlagService, writes(FlagService)]


SortedPaging = Annotated[PageRequest, sorted_by(*FlagReads.sorts)]


@router.get("", operation_id="list_flags")
async def list_flags(
    _: CanSeeSystem,
    flags: FlagListDep,
    paging: SortedPaging,
    request: Request,
    response: Response,
    archived: Annotated[bool | None, Query(description="Those that are archived, or those that are not.")] = None,
    enabled: Annotated[bool | None, Query(description="Those that are on, or those that are off.")] = None,
    flag_type: Annotated[FlagType | None, Query(alias="type", description="Of this type.")] = None,
) -> PageDocument[FlagDocument]:
    """Flags, newest first."""
    page = await flags.matching(archived=archived, enabled=enabled, flag_type=flag_type, request=paging)
    return show(page, FlagDocument.of, request, response)


@router.post("", operation_id="create_flag", status_code=201, responses=responses(InvalidFlag, FlagKeyTaken))
async def create_flag(wanted: NewFlag, actor: CanRunSystem, flags: FlagsDep, response: Response) -> FlagDocument:
    """A new flag, off unless said otherwise; every process knows it within a second."""
    row = await flags.create(actor, wanted.model_dump(exclude={"rules"}) | {"rules": _rules(wanted)})
    response.headers["Location"] = f"/system/flags/{row.key}"
    return FlagDocument.of(tagged(row).put_on(response))


@router.get("/{flag_key}", operation_id="get_flag", responses=responses(NotFound))
async def get_flag(flag_key: FlagKey, _: CanSeeSystem, flags: FlagListDep, response: Response) -> FlagDocument:
    """One flag, archived or not."""
    return FlagDocument.of(tagged(await flags.by_key(flag_key)).put_on(response))


@router.patch("/{flag_key}", operation_id="change_flag", responses=responses(NotFound, PreconditionFailed, InvalidFlag))
async def change_flag(
    flag_key: FlagKey,
    wanted: FlagChange,
    actor: CanRunSystem,
    flags: FlagsDep,
    response: Response,
    if_match: IfMatch = None,
) -> FlagDocument:
    """Change it, switch it on or off, archive it; every process follows within a second."""
    changes = wanted.model_dump(include=wanted.model_fields_set)
    if "rules" in changes:
        changes["rules"] = _rules(wanted)
    row = await flags.change(actor, flag_key, changes, if_match)
    return FlagDocument.of(tagged(row).put_on(response))


def _rules(wanted: NewFlag | FlagChange) -> list[dict[str, object]]:
    return [rule.model_dump(mode="json", exclude_none=True) for rule in wanted.rules]
