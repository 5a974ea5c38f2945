"""`/api/auth/.well-known/jwks.json`: the public keys by which others verify our access tokens."""

import hashlib
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Header, Response
from pydantic import Field

from app.access.signing.pem import public_jwk
from app.kernel.http.routes import StrictRoute
from app.kernel.runtime.resources import Resources, ResourcesDep
from app.kernel.schemas import StrictModel

router = APIRouter(prefix="/api/auth", tags=["access"], route_class=StrictRoute)

MAX_AGE_SECONDS = 300
"""How long others may keep the keys, unless half of the activation delay is shorter."""


class PublicKeyDocument(StrictModel):
    """A public key (RFC 7517)."""

    kty: Literal["EC", "RSA"] = Field(description="Kind of key.")
    use: Literal["sig"] = Field(description="For signatures alone.")
    alg: Literal["ES256", "RS256"] = Field(description="The one algorithm that the key is for.")
    kid: str = Field(description="Id of the key: its RFC 7638 thumbprint.")
    crv: Literal["P-256"] | None = Field(None, description="Curve of an EC key.")
    x: str | None = Field(None, description="Coordinate of an EC key, base64url.")
    y: str | None = Field(None, description="Coordinate of an EC key, base64url.")
    n: str | None = Field(None, description="Modulus of an RSA key, base64url.")
    e: str | None = Field(None, description="Exponent of an RSA key, base64url.")


class KeySetDocument(StrictModel):
    """Public keys (RFC 7517 section 5)."""

    keys: list[PublicKeyDocument] = Field(
        description="Every key whose tokens may count, also one that has yet to sign; empty with the secret alone."
    )


def key_set(resources: Resources) -> KeySetDocument:
    """The keys that verify now."""
    now = resources.clock()
    shown = [
        public_jwk(key.public) | {"use": "sig", "alg": key.algorithm, "kid": key.kid}
        for key in resources.signing_keys.current()
        if key.verifies(now)
    ]
    return KeySetDocument.model_validate({"keys": shown})


@router.get(
    "/.well-known/jwks.json",
    operation_id="get_key_set",
    response_model=KeySetDocument,
    responses={304: {"description": "The keys are those of `If-None-Match`."}},
)
async def get_key_set(
    resources: ResourcesDep,
    if_none_match: Annotated[str | None, Header(max_length=1024, description="The ETag that is at hand.")] = None,
) -> Response:
    """The public keys of access tokens; none when they are signed with the service secret alone."""
    body = orjson.dumps(key_set(resources).model_dump(exclude_none=True))
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    age = min(MAX_AGE_SECONDS, resources.settings.access.key_activation_seconds // 2)
    headers = {"ETag": tag, "Cache-Control": f"public, max-age={age}"}
    if if_none_match is not None and _matches(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _matches(condition: str, tag: str) -> bool:
    """RFC 9110 section 13.1.2: weak comparison."""
    return condition.strip() == "*" or tag in {each.strip().removeprefix("W/") for each in condition.split(",")}
