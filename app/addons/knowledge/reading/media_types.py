"""What a document is, by its content: what its sender says of it may narrow that, and never overrule it. Pure."""

import codecs
import re
from enum import StrEnum
from typing import Final

HEAD_BYTES: Final = 4096
"""Of the content that are looked at; the WHATWG's MIME Sniffing Standard takes 1,445."""


class DocumentType(StrEnum):
    """The media types of documents that are read."""

    MARKDOWN = "text/markdown"
    PLAIN = "text/plain"
    HTML = "text/html"
    PDF = "application/pdf"


class NotTakenError(ValueError):
    """The content is none of the types that are read, or another than its sender says."""


_CLAIMS: Final = {
    "text/markdown": DocumentType.MARKDOWN,
    "text/x-markdown": DocumentType.MARKDOWN,
    "text/plain": DocumentType.PLAIN,
    "text/html": DocumentType.HTML,
    "application/xhtml+xml": DocumentType.HTML,
    "application/pdf": DocumentType.PDF,
    "application/x-pdf": DocumentType.PDF,
}
_SILENT: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""Claims that say nothing: what clients send that do not know (RFC 2046 section 4.5.1)."""
_ENDINGS: Final = {
    "md": DocumentType.MARKDOWN,
    "markdown": DocumentType.MARKDOWN,
    "txt": DocumentType.PLAIN,
    "text": DocumentType.PLAIN,
    "htm": DocumentType.HTML,
    "html": DocumentType.HTML,
    "xhtml": DocumentType.HTML,
    "pdf": DocumentType.PDF,
}

_PDF: Final = b"%PDF-"
_PDF_WITHIN: Final = 1024
"""Readers look for the header in so many bytes (ISO 32000-1, annex H.3, implementation note 13)."""
_MAGIC: Final = (
    (b"PK\x03\x04", "a ZIP archive, as documents of Word and Excel are"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an old version of Microsoft Office"),
    (b"{\\rtf", "Rich Text Format"),
    (b"%!PS", "PostScript"),
    (b"\x89PNG\r\n\x1a\n", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"II*\x00", "an image"),
    (b"MM\x00*", "an image"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
    (b"SQLite format 3\x00", "a database"),
    (b"PAR1", "a Parquet file"),
)
"""First bytes of what is no document of ours; each in words."""
_TAR: Final = (257, b"ustar")
_HTML: Final = re.compile(
    r"(?>\s|<!--.*?-->|<\?xml[^>]*\?>)*+<(?:!doctype\s+html|html|head|body|title|script|style|meta|link|h[1-6]|div|table"
    r"|article|main|section)\b",
    re.IGNORECASE | re.DOTALL,
)
"""How HTML begins: the WHATWG's list of tags, with those that saved fragments begin with.

Nothing before the tag is read in a second way: a comment could end at the end of each comment behind it.
"""
_MARKUP: Final = re.compile(
    r"<(?:p|br|a|b|i|em|strong|ul|ol|li|tr|td|th|span|font|pre|code|dl|dt|hr)\b[^<>]*>", re.IGNORECASE
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""As the WHATWG's "binary data bytes": no text has them; tab, line ends and escape are no sign."""


def document_type(head: bytes, claimed: str | None, file_name: str | None) -> DocumentType:
    """What the content is. Raises `NotTakenError`, whose message says what was found and what was said.

    Args:
        head: the first bytes, at least `HEAD_BYTES` where there are as many.
        claimed: the media type that the sender gave.
        file_name: the name that the sender gave; its ending decides between kinds of text alone.
    """
    claim = _claim(claimed)
    found = _found(head)
    if found is DocumentType.PLAIN:
        named = claim or _ENDINGS.get((file_name or "").rpartition(".")[2].lower())
        found = _of_text(head, named)
    if claim is not None and claim is not found:
        raise NotTakenError(f"The file is said to be {claim.value}, and its content is {found.value}.")
    return found


def _claim(claimed: str | None) -> DocumentType | None:
    """The type that the sender gave; None when that says nothing. Raises `NotTakenError` for other types."""
    media = (claimed or "").partition(";")[0].strip().lower()
    if media in _SILENT:
        return None
    found = _CLAIMS.get(media)
    if found is None:
        raise NotTakenError(f"Documents are {', '.join(DocumentType)}; the file is said to be of another type.")
    return found


def _found(head: bytes) -> DocumentType:
    """PDF, HTML, or PLAIN for every other text. Raises `NotTakenError` for anything else."""
    if _PDF in head[:_PDF_WITHIN]:
        return DocumentType.PDF
    for magic, words in _MAGIC:
        if head.startswith(magic):
            raise NotTakenError(f"The file is {words}; documents are {', '.join(DocumentType)}.")
    begin, mark = _TAR
    if head[begin : begin + len(mark)] == mark:
        raise NotTakenError("The file is a tar archive; send each document by itself.")
    text = _text(head)
    return DocumentType.HTML if _HTML.match(text) else DocumentType.PLAIN


def _of_text(head: bytes, named: DocumentType | None) -> DocumentType:
    """Which kind of text, where the content does not tell: as it is named, if that can be."""
    if named is DocumentType.HTML:
        return DocumentType.HTML if _MARKUP.search(_text(head)) else DocumentType.PLAIN
    return DocumentType.MARKDOWN if named is DocumentType.MARKDOWN else DocumentType.PLAIN


def _text(head: bytes) -> str:
    text = decoded(head, whole=False)
    if text is None:
        raise NotTakenError("The file is neither text nor PDF: there are bytes in it that no text has.")
    return text


def decoded(content: bytes, *, whole: bool = True) -> str | None:
    """The text; None when the bytes are none. A byte order mark decides, then UTF-8, then Windows-1252.

    Args:
        content: the bytes; when not `whole`, they may end within a character.
        whole: whether these are all.
    """
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(mark):
            return _strict(content[len(mark) :], name, whole=whole)
    text = _strict(content, "utf-8", whole=whole)
    return text if text is not None else _strict(content, "cp1252", whole=whole)


def _strict(content: bytes, encoding: str, *, whole: bool) -> str | None:
    try:
        text = codecs.getincrementaldecoder(encoding)("strict").decode(content, final=whole)
    except UnicodeDecodeError:
        return None
    return None if _CONTROLS.search(text) else text
