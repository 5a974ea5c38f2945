"""Why documents of knowledge are refused."""

from collections.abc import Sequence
from uuid import UUID

from app.kernel.problems import BadRequest, Conflict, Fault, InvalidRequest, NotFound, UnsupportedMediaType


class KnowledgeDocumentNotFound(NotFound):
    """There is no such document, or none that is active."""

    code, title = "knowledge-document-not-found", "There is no such document"


class KnowledgeDocumentExists(Conflict):
    """An active document has the same content."""

    code, title = "knowledge-document-exists", "The document is there already"

    def __init__(self, document_id: UUID) -> None:
        super().__init__("An active document has the same content.", document_id=str(document_id))


class DocumentNotTaken(UnsupportedMediaType):
    """The file is of no type that is read, or of another than is said."""

    code, title = "document-not-taken", "The file is not of a type that is read"


class UnreadableDocument(InvalidRequest):
    """The file is of a type that is read, and this one cannot be."""

    code, title = "unreadable-document", "The document cannot be read"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message, faults=[Fault(pointer="/file", code=reason, message=message)])


class UnreadableUpload(BadRequest):
    """The body is no form as it should be."""

    code, title = "unreadable-upload", "The upload cannot be read"


class InvalidUpload(InvalidRequest):
    """The form has no file, or fields that are none."""

    code, title = "invalid-upload", "The upload has faults"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(faults=faults)
