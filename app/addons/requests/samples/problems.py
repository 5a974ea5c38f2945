"""Why uploads are refused: what the form is like, and what is in the file."""

from app.kernel.problems import Conflict, ContentTooLarge, Fault, InvalidRequest, NotFound, UnsupportedMediaType

EXAMPLE = "curl -F file=@app.log …"
"""What is right, for whoever was refused."""


class NotAForm(UnsupportedMediaType):
    """The body is not a multipart form."""

    code, title = "not-a-form", "The upload is not a multipart form"

    def __init__(self, detail: str) -> None:
        accept = {"Accept": "multipart/form-data"}
        super().__init__(f"{detail} Send multipart/form-data with one part `file`: {EXAMPLE}", headers=accept)


class InvalidUpload(InvalidRequest):
    """The form has not exactly one file, or the file cannot be taken."""

    code, title = "invalid-upload", "The upload cannot be taken"

    def __init__(self, code: str, message: str) -> None:
        fault = Fault(pointer="/file", code=code, message=message)
        super().__init__(message, faults=[fault], example=EXAMPLE)


class SampleTooLarge(ContentTooLarge):
    """The file has more bytes than is taken, as sent or unpacked."""

    code, title = "sample-too-large", "The file is too large"

    def __init__(self, limit: int, how: str) -> None:
        super().__init__(
            f"The file has more than {limit} bytes {how}. Of a sample some hundred lines are enough.", limit_bytes=limit
        )


class TooManySamples(Conflict):
    """The request has as many samples as it may."""

    code, title = "too-many-samples", "The request has as many samples as it may have"


class SampleNotFound(NotFound):
    """There is no such sample of the request, or it was deleted."""

    code, title = "addon-sample-not-found", "There is no such sample"
