"""What is shown of a passage that was found: a snippet in HTML, of which nothing but the marks is HTML. Pure."""

import html
import re
from typing import Final

BEGIN, END = "\x02", "\x03"
"""Around a word that was found. No text of a passage has control characters."""
_JOINED: Final = re.compile(f"{END}([_.:/-]){BEGIN}")
"""Between two marks, the separator of one name."""
MAX_SNIPPET: Final = 700
"""Characters of a snippet's text."""


def snippet(marked: str) -> str:
    """The text with what was found within `<mark>`, all else escaped; parts of one name are marked as one."""
    joined = _JOINED.sub(r"\1", " ".join(marked.split()))
    escaped = html.escape(joined, quote=True)
    return escaped.replace(BEGIN, "<mark>").replace(END, "</mark>")


def beginning(text: str) -> str:
    """The snippet of a passage that was found by its meaning: how it begins."""
    plain = " ".join(text.split())
    return html.escape(plain if len(plain) <= MAX_SNIPPET else plain[:MAX_SNIPPET].rsplit(" ", 1)[0] + " …", quote=True)
