"""`/ofrep/v1`: flags evaluated for other services, by the OpenFeature Remote Evaluation Protocol.

Answered from memory, with no session: it goes on in maintenance, and while the database is away.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Response
from fastapi.responses import JSONResponse

from app.kernel.db.database import OperationClass
from app.kernel.http.sessions import operation, provided
from app.operations.flags.ofrep import (
    BulkEvaluation,
    EvaluatedFlag,
    EvaluationRequest,
    OfrepRoute,
    all_evaluated,
    answers,
    context_in,
    evaluated,
    is_known,
    tag_of,
)
from app.operations.flags.permissions import CanEvaluate
from app.operations.flags.provider import Flags, FlagsInForce

router = APIRouter(prefix="/ofrep/v1/evaluate", tags=["flag evaluation"], route_class=OfrepRoute)


ALWAYS_OPEN = operation(OperationClass.CONTROL)
"""Evaluation goes on in every mode: what other services do must not change because this one is worked on."""


def _in_force(flags: Flags) -> FlagsInForce:
    return flags.in_force


InForce = Annotated[FlagsInForce, provided(_in_force)]


@router.post(
    "/flags/{flag_key}",
    operation_id="evaluate_flag",
    response_model=EvaluatedFlag,
    responses=answers(bulk=False),
    openapi_extra=ALWAYS_OPEN,
)
async def evaluate_flag(
    flag_key: Annotated[str, Path(description="Key of the flag.")],
    wanted: EvaluationRequest,
    _: CanEvaluate,
    flags: InForce,
) -> Any:
    """One flag's value for the context of the request."""
    context = context_in(wanted)
    return JSONResponse(evaluated(flags.flag(flag_key), context))


@router.post(
    "/flags",
    operation_id="evaluate_flags",
    response_model=BulkEvaluation,
    responses=answers(bulk=True),
    openapi_extra=ALWAYS_OPEN,
)
async def evaluate_flags(
    wanted: EvaluationRequest,
    _: CanEvaluate,
    flags: InForce,
    if_none_match: Annotated[
        str | None, Header(max_length=1024, description="ETags of answers that the client has.")
    ] = None,
) -> Any:
    """Every flag's value for the context of the request; 304 when the client has them already."""
    answer = all_evaluated(flags.current(), context_in(wanted))
    tag = tag_of(answer)
    if is_known(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    return JSONResponse(answer, headers={"ETag": tag})
