"""The body of an import, from bytes to a document that the standard's schema accepts. Pure.

A body is the document itself, or `{"document": …, "semantics": {"<name in schema>": {…}}}` with what the standard has
no word for beside the document.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, NoReturn

from app.catalog.contracts.odcs.validation import VERSIONS, violations
from app.catalog.contracts.odcs.writing import JSON, YAML, json_text
from app.catalog.contracts.odcs.yaml_reader import InvalidYamlError
from app.catalog.contracts.odcs.yaml_reader import loads as yaml_loads
from app.kernel import strict_json
from app.kernel.problems import BadRequest, Fault, InvalidRequest, UnsupportedMediaType

TAKEN: Final[dict[str, str]] = {JSON: JSON, YAML: YAML, "application/x-yaml": YAML, "text/yaml": YAML}
"""Media types of a body, with the form that each is read as: RFC 9512 names the last two as older names of YAML's."""

ENVELOPE: Final = ("document", "semantics")
SHOWN_LENGTH: Final = 64


class UnreadableDocument(BadRequest):
    """The body is not the JSON or YAML that it claims to be."""

    code, title = "unreadable-document", "The document cannot be read"


class InvalidDocument(InvalidRequest):
    """The document breaks rules of the standard, or no contract can be made of what it says."""

    code, title = "invalid-document", "The document has faults"


@dataclass(frozen=True, slots=True)
class SentDocument:
    """A document that the standard's schema of its version accepts, and the semantics that came beside it."""

    document: dict[str, Any]
    """Its numbers with a fraction are `Decimal`."""
    version: str
    """Of the standard: `v3.1.0`."""
    semantics: Mapping[str, Any] = field(default_factory=dict)
    """By the name of an entry of `schema`."""
    place: str = ""
    """JSON pointer of the document within the body: empty, or `/document`."""


def form_of(content_type: str | None) -> str:
    """The form of a body, JSON or YAML, by its `Content-Type`; JSON when there is none.

    Raises:
        UnsupportedMediaType: another media type, or another charset than UTF-8.
    """
    name, *parameters = (part.strip().lower() for part in (content_type or JSON).split(";"))
    charset = [part.partition("=")[2].strip('"') for part in parameters if part.startswith("charset=")]
    if name not in TAKEN or any(each not in {"utf-8", "utf8"} for each in charset):
        raise UnsupportedMediaType(f"A document comes as {', '.join(TAKEN)}, in UTF-8.")
    return TAKEN[name]


def read_document(body: bytes, form: str) -> SentDocument:
    """The document that the body holds, checked against the standard.

    Raises:
        UnreadableDocument: neither JSON nor YAML as the service accepts them.
        InvalidDocument: listing what breaks the standard's schema, or the form of the body.
    """
    value = _value(body, form)
    if not isinstance(value, dict):
        _refuse("", "not-an-object", 'A document is an object: {"apiVersion": "v3.2.0", "kind": "DataContract", …}.')
    document, semantics, place = _parts(value)
    if not isinstance(document, dict):
        _refuse(place, "not-an-object", 'A document is an object: {"apiVersion": "v3.2.0", "kind": "DataContract", …}.')
    version = document.get("apiVersion")
    if not isinstance(version, str) or version not in VERSIONS:
        _refuse(
            f"{place}/apiVersion",
            "unknown-version",
            f"The document says {_shown(version)} as its version of the standard; known are {', '.join(VERSIONS)}.",
        )
    faults = violations(document, version, place)
    if faults:
        raise InvalidDocument(faults=faults)
    return SentDocument(document, version, semantics, place)


def kept_document(text: str) -> dict[str, Any]:
    """The document that was kept as JSON text, as it was read at its import."""
    found: dict[str, Any] = strict_json.loads(text.encode(), strict_json.exact)
    return found


def _value(body: bytes, form: str) -> Any:
    if form == JSON:
        try:
            return strict_json.loads(body, strict_json.exact)
        except strict_json.InvalidJsonError as error:
            message = f"The body is not valid JSON: {error}."
            raise UnreadableDocument(faults=[Fault(pointer="", code="malformed-json", message=message)]) from error
    try:
        # Once more as JSON: its rules for text and numbers hold whatever the form.
        return strict_json.loads(json_text(yaml_loads(body)), strict_json.exact)
    except InvalidYamlError as error:
        message = f"The body is not YAML as it is taken here: {error}."
        raise UnreadableDocument(
            faults=[Fault(pointer=error.pointer, code="malformed-yaml", message=message)]
        ) from error
    except (strict_json.InvalidJsonError, UnicodeEncodeError) as error:
        message = f"The document cannot be written as JSON: {error}."
        raise UnreadableDocument(faults=[Fault(pointer="", code="malformed-yaml", message=message)]) from error


def _parts(body: dict[str, Any]) -> tuple[Any, Mapping[str, Any], str]:
    """Document, semantics, and where the document stands."""
    if "document" not in body or "apiVersion" in body:
        return body, {}, ""
    faults = []
    for name in body.keys() - set(ENVELOPE):
        near = get_close_matches(name[:SHOWN_LENGTH], ENVELOPE, n=1)
        hint = f" Did you mean {near[0]}?" if near else " There are document and semantics."
        message = f"There is no field {name[:SHOWN_LENGTH]!r} beside a document.{hint}"
        pointer = "/" + name.replace("~", "~0").replace("/", "~1")
        faults.append(Fault(pointer=pointer, code="extra-forbidden", message=message))
    semantics = body.get("semantics")
    semantics = {} if semantics is None else semantics
    if not isinstance(semantics, dict) or not all(isinstance(each, dict) for each in semantics.values()):
        message = 'Semantics stand under the name of their entry in schema: {"orders": {"mode": "upsert", …}}.'
        faults.append(Fault(pointer="/semantics", code="not-an-object", message=message))
    if faults:
        raise InvalidDocument(faults=sorted(faults, key=lambda fault: fault.pointer))
    return body["document"], semantics, "/document"


def _refuse(pointer: str, code: str, message: str) -> NoReturn:
    raise InvalidDocument(faults=[Fault(pointer=pointer, code=code, message=message)])


def _shown(value: Any) -> str:
    return "nothing" if value is None else json_text({"_": value}).decode()[5:-1][:SHOWN_LENGTH]
