"""What an add-on is called, and what its sourcetype is called."""

import re
from dataclasses import dataclass

from app.addons.package.names import addon_name, is_sourcetype

MAX_SOURCETYPE_CHARACTERS = 100
_NOT_IN_SOURCETYPES = re.compile(r"[^a-z0-9_]+")


@dataclass(frozen=True)
class Identity:
    """What the add-on is called. `product` is the vendor's and product's name as people say them."""

    name: str
    title: str
    sourcetype: str
    version: str = "1.0.0"
    description: str = ""
    author: str = "Spyne"
    product: str = ""


class NameRefused(ValueError):  # noqa: N818 - what is refused is the name
    """The name or the sourcetype cannot be one; the message shows what can."""


def identity_of(wish: str, sourcetype: str | None = None, version: str = "1.0.0") -> Identity:
    """The identity for a name as people write one: `acme-vpn` is the add-on TA-acme-vpn and the sourcetype acme:vpn.

    Raises NameRefused for a name without letters and digits and for a sourcetype that would have to be quoted.
    """
    if not any(character.isalnum() for character in wish):
        raise NameRefused(f"{wish!r} names nothing: use letters and digits, such as acme-vpn.")
    if sourcetype is not None and not is_sourcetype(sourcetype):
        raise NameRefused(
            f"{sourcetype!r} is no sourcetype: use letters, digits, `_`, `:`, `.` and `-`, such as acme:vpn."
        )
    name = addon_name(wish)
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name.removeprefix("TA-")) if word]
    plain = ":".join(_NOT_IN_SOURCETYPES.sub("_", word.lower()) for word in words)[:MAX_SOURCETYPE_CHARACTERS].rstrip(
        ":"
    )
    product = " ".join(words)
    return Identity(
        name,
        f"{product} add-on",
        sourcetype or plain or "addon",
        version,
        f"Field extractions, event types and tags for {product}.",
        product=product,
    )
