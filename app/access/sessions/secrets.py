"""The secrets of sessions: what the cookie holds, what a refresh token is, and the token against forged requests.

Both secrets have 256 random bits and a form of their own, so that only what looks right is looked for, and logs mask
them by shape; of both only a SHA-256 is kept (a slow hash would hinder nobody).
"""

import base64
import hashlib
import hmac
import re
from uuid import UUID

from app.kernel.ids import random_token
from app.kernel.security.credential_headers import SESSION_COOKIE

CSRF_KEY = "csrf:1"

_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"
_FORM = re.compile(r"spy_(session|refresh)_[A-Za-z0-9_-]{43}")


def fresh_session_secret() -> str:
    """A fresh secret for a session's cookie."""
    return f"spy_session_{random_token()}"


def fresh_refresh_token() -> str:
    """A fresh refresh token."""
    return f"spy_refresh_{random_token()}"


def digest_of(text: str, kind: str) -> bytes | None:
    """SHA-256 of a secret of that kind (`session`, `refresh`); None for what cannot be one."""
    form = _FORM.fullmatch(text)
    if form is None or form.group(1) != kind:
        return None
    return hashlib.sha256(text.encode()).digest()


def cookie_header(secret: str) -> str:
    """The `Set-Cookie` that gives a browser its session. It goes with the browser: the server knows the real end."""
    return f"{SESSION_COOKIE}={secret}; {_ATTRIBUTES}"


def clearing_cookie_header() -> str:
    """The `Set-Cookie` that takes the session away."""
    return f"{SESSION_COOKIE}=; Max-Age=0; {_ATTRIBUTES}"


def csrf_token(key: bytes, session_id: UUID) -> str:
    """The token that proves that a page of ours made a request: an HMAC over the session's id."""
    tag = hmac.new(key, session_id.bytes, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(tag).rstrip(b"=").decode()
