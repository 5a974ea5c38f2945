"""The one file of a multipart form (RFC 7578), read as it arrives: memory is that of one piece, nothing is spooled."""

from collections.abc import AsyncIterator
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.addons.requests.samples.problems import InvalidUpload, NotAForm

FIELD: Final = "file"
"""The name of the part."""

PIECE_BYTES: Final = 64 * 1024
"""Bytes that the parser is given at once, however large the pieces are that arrive."""

MAX_HEADERS: Final = 8
MAX_HEADER_BYTES: Final = 4_096
MAX_FILENAME: Final = 255


class OneFileForm:
    """A form with one file, read once."""

    def __init__(self, body: AsyncIterator[bytes], content_type: str | None) -> None:
        """Takes the body as it arrives. Raises `NotAForm`."""
        media, options = parse_options_header(content_type or "")
        if media != b"multipart/form-data":
            raise NotAForm("The body is not multipart/form-data.")
        boundary = options.get(b"boundary", b"")
        if not boundary:
            raise NotAForm("The Content-Type names no boundary.")
        self._body = body
        self._pieces: list[bytes] = []
        self._header_field = self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._parts = 0
        self._ended = False
        self.filename = ""
        """The file's name as it was sent, without folders; known once the first bytes have come."""
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begin,
                    "on_header_field": self._add_to_field,
                    "on_header_value": self._add_to_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._part_data,
                    "on_end": self._end,
                },
                max_header_count=MAX_HEADERS,
                max_header_size=MAX_HEADER_BYTES,
            )
        except FormParserError:
            raise NotAForm("The boundary is too long.") from None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes of the file.

        Raises:
            InvalidUpload: the form has not exactly one part, which is the file; or is not well-formed.
        """
        async for data in self._body:
            for start in range(0, len(data), PIECE_BYTES):
                self._parse(data[start : start + PIECE_BYTES])
                pieces, self._pieces = self._pieces, []
                for piece in pieces:
                    yield piece
        if not self._ended:
            raise InvalidUpload("cut-short", "The form ends before its last boundary.")
        if not self._parts:
            raise InvalidUpload("no-file", f"The form has no part `{FIELD}` with a file.")

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise InvalidUpload("malformed-form", f"The form cannot be read: {error}.") from None

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > 1:
            raise InvalidUpload("several-parts", f"The form has more than one part. Send `{FIELD}` alone.")
        self._headers = {}

    def _add_to_field(self, data: bytes, start: int, end: int) -> None:
        self._header_field += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._header_field.lower()] = self._header_value
        self._header_field = self._header_value = b""

    def _headers_finished(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if kind != b"form-data" or name != FIELD:
            raise InvalidUpload("no-file", f"The part must have the name `{FIELD}`, not `{name[:80]}`.")
        self.filename = plain_filename(options.get(b"filename", b""))

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._pieces.append(data[start:end])

    def _end(self) -> None:
        self._ended = True


def plain_filename(sent: bytes) -> str:
    """The last step of a path in printable characters, at most `MAX_FILENAME` of them; `sample` where none is left."""
    name = sent.decode("utf-8", "replace").replace("\\", "/").rpartition("/")[2]
    return "".join(each for each in name if each.isprintable())[:MAX_FILENAME] or "sample"
