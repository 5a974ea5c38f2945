"""OAuth2's token request as it arrives: form and HTTP Basic, read strictly, refused as RFC 6749 section 5.2 says."""

import base64
import binascii
import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, unquote_plus

from app.access.passwords.passwords import is_text
from app.kernel.security.authorization import Permission

FORM = "application/x-www-form-urlencoded"
MAX_BODY_BYTES = 16_384
MAX_FIELDS = 20
MAX_FIELD_LENGTH = 1024
"""Characters; the longest password that can be set has as many."""
MAX_SCOPE_LENGTH = 4096

_LONGEST = {"scope": MAX_SCOPE_LENGTH}
_BASIC = "basic "
_HALF_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class GrantType(StrEnum):
    """The grants on offer."""

    PASSWORD = "password"  # noqa: S105 - the grant's name in RFC 6749
    CLIENT_CREDENTIALS = "client_credentials"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the grant's name in RFC 6749


class ErrorCode(StrEnum):
    """RFC 6749 section 5.2."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    INVALID_SCOPE = "invalid_scope"


@dataclass(frozen=True, slots=True)
class GrantRefusal:
    """An answer of RFC 6749 section 5.2."""

    error: ErrorCode
    description: str
    retry_after_seconds: int | None = None

    @property
    def status(self) -> int:
        """401 when the client itself was not recognised, else 400."""
        return 401 if self.error is ErrorCode.INVALID_CLIENT else 400


_WIDER = GrantRefusal(ErrorCode.INVALID_SCOPE, "A renewal can only narrow the scope.")


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A well-formed request, with what its grant needs: username and password, id and secret, or the refresh token."""

    grant_type: GrantType
    username: str
    password: str
    client_id: str
    client_secret: str
    scope: frozenset[str] | None
    refresh_token: str = ""


class _Refused(Exception):  # noqa: N818 - carries a refusal out of the steps of reading
    def __init__(self, error: ErrorCode, description: str) -> None:
        super().__init__(description)
        self.refusal = GrantRefusal(error, description)


def read_token_request(content_type: str, authorization: str | None, body: bytes) -> TokenRequest | GrantRefusal:
    """The request, or why it is refused. Never raises.

    Args:
        content_type: the header; empty when there is none.
        authorization: the header, which may carry the client's id and secret by HTTP Basic.
        body: of any size and content.
    """
    try:
        return _read(_form(content_type, body), authorization)
    except _Refused as refused:
        return refused.refusal


def _read(form: dict[str, str], authorization: str | None) -> TokenRequest:
    grant = form.get("grant_type")
    if grant is None:
        raise _Refused(ErrorCode.INVALID_REQUEST, "grant_type is missing.")
    if grant not in set(GrantType):
        raise _Refused(ErrorCode.UNSUPPORTED_GRANT_TYPE, f"The grants are {', '.join(GrantType)}.")
    client_id, client_secret = _client(form, authorization)
    request = TokenRequest(
        GrantType(grant),
        form.get("username", ""),
        form.get("password", ""),
        client_id,
        client_secret,
        _scope(form.get("scope")),
        form.get("refresh_token", ""),
    )
    if request.grant_type is GrantType.PASSWORD and not (request.username and request.password):
        raise _Refused(ErrorCode.INVALID_REQUEST, "username and password are needed.")
    if request.grant_type is GrantType.CLIENT_CREDENTIALS and not (client_id and client_secret):
        raise _Refused(ErrorCode.INVALID_CLIENT, "The client's id and secret are needed.")
    if request.grant_type is GrantType.REFRESH_TOKEN and not request.refresh_token:
        raise _Refused(ErrorCode.INVALID_REQUEST, "refresh_token is needed.")
    return request


def _form(content_type: str, body: bytes) -> dict[str, str]:
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise _Refused(ErrorCode.INVALID_REQUEST, f"The content type must be {FORM}.")
    if len(body) > MAX_BODY_BYTES:
        raise _Refused(ErrorCode.INVALID_REQUEST, "The form is too large.")
    if _HALF_ESCAPE.search(body):  # the parser would take it for text
        raise _Refused(ErrorCode.INVALID_REQUEST, "The form has a percent sign that escapes nothing.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError as error:
        raise _Refused(ErrorCode.INVALID_REQUEST, "The form cannot be read.") from error
    form: dict[str, str] = {}
    for name, value in pairs:
        if name in form:
            raise _Refused(ErrorCode.INVALID_REQUEST, "A field occurs twice.")
        if not is_text(name) or not is_text(value):
            raise _Refused(ErrorCode.INVALID_REQUEST, "A field holds NUL.")
        if len(value) > _LONGEST.get(name, MAX_FIELD_LENGTH):
            raise _Refused(ErrorCode.INVALID_REQUEST, "A field is too long.")
        form[name] = value
    return {name: value for name, value in form.items() if value}  # RFC 6749 section 3.2: without a value means omitted


def _client(form: dict[str, str], authorization: str | None) -> tuple[str, str]:
    in_form = form.get("client_id", ""), form.get("client_secret", "")
    if authorization is None:
        return in_form
    if authorization[: len(_BASIC)].lower() != _BASIC:
        raise _Refused(ErrorCode.INVALID_CLIENT, "Clients authenticate by HTTP Basic or in the form.")
    try:
        decoded = base64.b64decode(authorization[len(_BASIC) :].strip(), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _Refused(ErrorCode.INVALID_CLIENT, "The HTTP Basic credential cannot be read.") from error
    client_id, colon, secret = decoded.partition(":")
    client_id, secret = unquote_plus(client_id), unquote_plus(secret)  # RFC 6749 section 2.3.1
    if not colon or not is_text(client_id) or not is_text(secret):
        raise _Refused(ErrorCode.INVALID_CLIENT, "The HTTP Basic credential cannot be read.")
    if not client_id and not secret:  # Swagger UI sends `Basic Og==` when nothing was filled in
        return in_form
    if in_form[1] or in_form[0] not in {"", client_id}:
        raise _Refused(ErrorCode.INVALID_REQUEST, "The client authenticates in two ways at once.")
    return client_id, secret


def _scope(text: str | None) -> frozenset[str] | None:
    if text is None:
        return None
    wanted = frozenset(text.split(" ")) - {""}
    unknown = wanted - set(Permission)
    if unknown or not wanted:
        raise _Refused(ErrorCode.INVALID_SCOPE, "A scope does not exist.")
    return wanted


def narrowed(wanted: frozenset[str] | None, held: frozenset[Permission]) -> frozenset[str] | None:
    """The scope of a token: None for everything that the holder may, now and later; else what is wanted and held."""
    return None if wanted is None else frozenset(permission.value for permission in held if permission in wanted)


def renewed_scope(
    own: str | None, wanted: frozenset[str] | None, held: frozenset[Permission]
) -> frozenset[str] | GrantRefusal | None:
    """The scope of a renewed token, at most the session's own, which stays as it is (RFC 6749 section 6).

    Args:
        own: the session's scope, separated by spaces; None for everything.
        wanted: the scope asked for; the session's own when absent.
        held: what the person may do now.
    """
    bound = None if own is None else frozenset(own.split(" "))
    if wanted is None:
        return bound
    if bound is not None and not wanted <= bound:
        return _WIDER
    return narrowed(wanted, held) or _WIDER
