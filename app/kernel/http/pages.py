"""Pages for browsers, which say what they may run: their own inline scripts, by hash, and files of this service."""

import base64
import hashlib
import re
from typing import Final

from fastapi.responses import HTMLResponse

_INLINE: Final = {
    "script-src": re.compile(r"<script(?:\s+type=\"[^\"]*\")?>(.*?)</script>", re.DOTALL),
    "style-src": re.compile(r"<style(?:\s+type=\"[^\"]*\")?>(.*?)</style>", re.DOTALL),
}


def content_security_policy(html: str) -> str:
    """The policy under which a page of ours works and nothing that is smuggled into it does (CSP Level 3).

    Scripts and styles are files of this service, or stand in the page as it was made: those are named by their hashes.
    Images may be part of a style sheet, as Swagger UI's are.
    """
    allowed = {name: " ".join(["'self'", *map(_hashed, found.findall(html))]) for name, found in _INLINE.items()}
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {allowed['script-src']}",
            f"style-src {allowed['style-src']}",
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


class Page(HTMLResponse):
    """A page of the service, with its policy."""

    def __init__(self, html: str, status_code: int = 200) -> None:
        """Takes the whole page as it is sent: its inline scripts and styles are those that may run."""
        super().__init__(html, status_code, {"Content-Security-Policy": content_security_policy(html)})
