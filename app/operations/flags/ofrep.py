"""OFREP (OpenFeature Remote Evaluation Protocol, openapi.yaml 0.1.0): its bodies, and the route that keeps to it.

A request that is wrong is 400, and an unknown flag 404, in the protocol's own form; what the house answers for every
operation (401, 403, 413, 415, 429, 503) is a problem document as everywhere, which the protocol leaves open.
"""

import hashlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from openfeature.exception import ErrorCode, FlagNotFoundError, OpenFeatureError, ProviderNotReadyError
from pydantic import BaseModel, Field

from app.kernel.http.routes import TransactionalRoute, UnreadableBody
from app.kernel.problems import PROBLEM_JSON, InvalidRequest, Unavailable
from app.kernel.schemas import StrictModel
from app.operations.flags.definition import Flag
from app.operations.flags.evaluation import Context, evaluate
from app.operations.flags.provider import FlagView

TARGETING_KEY = "targetingKey"

Metadata = Annotated[
    dict[str, bool | int | str], Field(description="`version` of the flag, and the `rule` that chose.")
]


class EvaluationRequest(StrictModel):
    """Whom to evaluate for."""

    context: dict[str, Any] = Field(
        default_factory=dict,
        description="`targetingKey` (text) decides splits. Rules look at `roles`, `user_id`, `user_name`, `client_id`, "
        "`client_name` and at attributes by name. The caller says for whom it asks; nothing is taken from its own "
        "credential.",
        examples=[{"targetingKey": "user-1", "roles": ["ENGINEER"], "region": "eu"}],
    )


class EvaluatedFlag(BaseModel):
    """A flag's value for the context."""

    key: str = Field(description="The flag.")
    value: bool | str | float | dict[str, Any] = Field(description="Of the flag's type.")
    reason: str = Field(description="STATIC, TARGETING_MATCH, SPLIT, DISABLED or DEFAULT.")
    variant: str = Field(description="Name of the value.")
    metadata: Metadata


class EvaluationFailure(BaseModel):
    """Why a flag has no value here: use the default in the code."""

    key: str = Field(description="The flag.")
    errorCode: str = Field(  # noqa: N815 - the protocol's name
        description="FLAG_NOT_FOUND, PARSE_ERROR, TARGETING_KEY_MISSING, INVALID_CONTEXT or GENERAL."
    )
    errorDetails: str = Field("", description="The same in words.")  # noqa: N815 - the protocol's name


class BulkFailure(BaseModel):
    """Why no flag has a value here."""

    errorCode: str = Field(description="PARSE_ERROR, INVALID_CONTEXT or GENERAL.")  # noqa: N815 - the protocol's name
    errorDetails: str = Field("", description="The same in words.")  # noqa: N815 - the protocol's name


class BulkEvaluation(BaseModel):
    """Every flag's value for the context."""

    flags: list[EvaluatedFlag | EvaluationFailure] = Field(description="By key.")


def context_in(wanted: EvaluationRequest) -> Context:
    """The request's context. Raises OpenFeature's `OpenFeatureError` when it is none."""
    key = wanted.context.get(TARGETING_KEY)
    if key is not None and not isinstance(key, str):
        raise OpenFeatureError(ErrorCode.INVALID_CONTEXT, f"`{TARGETING_KEY}` is a text.")
    return Context(key, wanted.context)


def evaluated(flag: Flag, context: Context) -> dict[str, Any]:
    """The protocol's answer for one flag. Raises `OpenFeatureError`."""
    found = evaluate(flag, context)
    chosen = {"value": found.value, "reason": found.reason.value, "variant": found.variant}
    return {"key": flag.key} | chosen | {"metadata": found.metadata}


def all_evaluated(view: FlagView, context: Context) -> dict[str, Any]:
    """The protocol's answer for every flag, each with its value or why it has none."""
    flags: list[dict[str, Any]] = []
    for _, flag in sorted(view.flags.items()):
        try:
            flags.append(evaluated(flag, context))
        except OpenFeatureError as error:
            flags.append(failure(error, flag.key))
    return {"flags": flags}


def failure(error: OpenFeatureError, key: str | None) -> dict[str, Any]:
    """The protocol's form of an error."""
    named = {} if key is None else {"key": key}
    return named | {"errorCode": str(error.error_code.value), "errorDetails": error.error_message or ""}


def tag_of(answer: Mapping[str, Any]) -> str:
    """The ETag of an answer: of what it says, so another context with the same values has the same."""
    return f'"{hashlib.sha256(orjson.dumps(answer, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]}"'


def is_known(if_none_match: str | None, tag: str) -> bool:
    """Whether the client has this answer already (RFC 9110, 13.1.2: compared weakly)."""
    if if_none_match is None:
        return False
    return any(each.strip().removeprefix("W/") in {tag, "*"} for each in if_none_match.split(","))


class OfrepRoute(TransactionalRoute):
    """Answers errors of evaluation as the protocol says."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The strict handler; what it refuses about the request is the protocol's 400."""
        handler = super().get_route_handler()

        async def run(request: Request) -> Response:
            key = request.path_params.get("flag_key")
            try:
                return await handler(request)
            except ProviderNotReadyError as error:
                raise Unavailable("The flags have not been read yet.") from error
            except FlagNotFoundError as error:
                return JSONResponse(failure(error, key), 404)
            except OpenFeatureError as error:
                return JSONResponse(failure(error, key), 400)
            except UnreadableBody as error:
                return JSONResponse(failure(OpenFeatureError(ErrorCode.PARSE_ERROR, error.detail), key), 400)
            except (RequestValidationError, InvalidRequest) as error:
                return JSONResponse(failure(OpenFeatureError(ErrorCode.GENERAL, _words(error)), key), 400)

        return run


def _words(error: RequestValidationError | InvalidRequest) -> str:
    if isinstance(error, InvalidRequest):
        return " ".join([error.detail, *(fault.message for fault in error.faults)])
    return "; ".join(f"{'/'.join(str(step) for step in each['loc'])}: {each['msg']}" for each in error.errors())


def answers(*, bulk: bool) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI `responses` of an evaluation."""
    problem = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    found: dict[int | str, dict[str, Any]] = {
        400: {
            "model": BulkFailure if bulk else EvaluationFailure,
            "description": "The request cannot be evaluated, as the protocol tells it",
            "content": problem,
        }
    }
    if bulk:
        found[304] = {"description": "The client has this answer: its `If-None-Match` names the ETag"}
    else:
        found[404] = {
            "model": EvaluationFailure,
            "description": "`FLAG_NOT_FOUND`: there is no such flag",
            "content": problem,
        }
    return found
