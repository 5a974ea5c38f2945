"""The form of an upload: one file, and fields that say what it is. Read when the caller is known to be allowed to."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request
from pydantic import ValidationError
from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from app.addons.knowledge.documents import DocumentKind
from app.addons.knowledge.permissions import CanManageKnowledge
from app.addons.knowledge.problems import InvalidUpload, UnreadableUpload
from app.addons.knowledge.schemas import UploadFields
from app.addons.knowledge.uploading import MAX_BYTES, MAX_TITLE, NewDocument
from app.kernel.problems import Fault, UnsupportedMediaType, faults_within

FORM: Final = "multipart/form-data"
_MAX_FIELDS: Final = 8
_TAIL_BYTES: Final = 256
"""A boundary has at most 70 characters (RFC 2046 section 5.1.1), and nobody writes much behind the last one."""
_MAX_FIELD_BYTES: Final = 16 * 1024
FORM_BYTES: Final = MAX_BYTES + 64 * 1024
"""Of the whole body: the file, the fields, and what stands around them."""

BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": f"The file (at most {MAX_BYTES // 1024 // 1024} MiB), and what it is.",
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "Markdown, plain text, HTML or PDF; its content decides which.",
                        },
                        "title": {"type": "string", "minLength": 1, "maxLength": MAX_TITLE},
                        "source": {"type": "string", "minLength": 1, "maxLength": 500},
                        "kind": {"type": "string", "enum": list(DocumentKind)},
                        "metadata": {
                            "type": "string",
                            "description": "A JSON object of at most 20 texts.",
                            "examples": ['{"product": "FortiGate", "version": "7.4"}'],
                        },
                    },
                }
            }
        },
    }
}
"""Of the OpenAPI document."""


async def _new_document(
    request: Request,
    _: CanManageKnowledge,  # first: nobody else's file is read
    content_type: Annotated[str | None, Header(include_in_schema=False)] = None,
    content_encoding: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> AsyncIterator[NewDocument]:
    if (content_type or "").partition(";")[0].strip().lower() != FORM:
        raise UnsupportedMediaType(f"An upload is a form of the type {FORM}.", headers={"Accept": FORM})
    if (content_encoding or "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("This operation takes no content coding.", headers={"Accept-Encoding": "identity"})
    form = await _form(request)
    try:
        yield _read(form)
    finally:
        await form.close()


NewDocumentDep = Annotated[NewDocument, Depends(_new_document, scope="function")]
"""What is uploaded; its file is there as long as the operation goes on."""


async def _form(request: Request) -> FormData:
    """The form. Raises `UnreadableUpload` when it is none, or ends before its end; no file stays open then."""
    tail = bytearray()

    async def received() -> AsyncGenerator[bytes, None]:
        async for block in request.stream():
            tail.extend(block[-_TAIL_BYTES:])
            del tail[:-_TAIL_BYTES]
            yield block

    async with aclosing(received()) as blocks:
        parser = MultiPartParser(
            request.headers, blocks, max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES
        )
        try:
            form = await parser.parse()
            _require_end(tail)
        except BaseException as error:
            for file in parser._files_to_close_on_error:  # noqa: SLF001 - nobody else knows a part without an end
                file.close()
            if isinstance(error, MultiPartException | FormParserError):
                raise UnreadableUpload("The body is no whole form (RFC 7578), or has more than it may.") from error
            raise
    return form


def _require_end(tail: bytearray) -> None:
    """Return when the last bytes of a body are those of a closing boundary. Raises `MultiPartException`."""
    if tail.strip() and not tail.rstrip().endswith(b"--"):
        raise MultiPartException("there is no closing boundary")


def _read(form: FormData) -> NewDocument:
    """What the form has. Raises `InvalidUpload` with every fault."""
    faults = []
    given = dict(form.multi_items())
    if len(given) < len(form.multi_items()):
        faults.append(Fault(pointer="", code="repeated", message="A field is there more than once."))
    file = given.pop("file", None)
    if not isinstance(file, UploadFile):
        faults.append(Fault(pointer="/file", code="missing", message="There is no file under the name `file`."))
    named = [name for name, value in given.items() if isinstance(value, UploadFile)]
    faults += [Fault(pointer="", code="not-a-field", message="Only `file` is a file.") for _ in named]
    texts = {name: value for name, value in given.items() if isinstance(value, str) and "\x00" not in value}
    if len(texts) + len(named) < len(given):
        faults.append(Fault(pointer="", code="nul", message="A text has NUL in it."))
    try:
        fields = UploadFields.model_validate(texts)
    except ValidationError as error:
        raise InvalidUpload([*faults, *faults_within("", error)]) from None
    if faults or not isinstance(file, UploadFile):
        raise InvalidUpload(faults)
    return NewDocument(
        content=file.file,
        file_name=file.filename,
        media_type=file.content_type,
        title=fields.title,
        source=fields.source,
        kind=fields.kind,
        extra_metadata=fields.metadata,
    )
