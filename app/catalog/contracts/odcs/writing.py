"""Documents of the standard as bytes, in JSON or YAML. Pure.

Numbers with a fraction are `Decimal` in a document that was read, and are written digit by digit as they came.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec
import yaml

from app.catalog.contracts.odcs.yaml_reader import DECIMAL_INTEGER, NOT_FINITE, OTHER_INTEGER, REAL

JSON: Final = "application/json"
YAML: Final = "application/yaml"
MEDIA_TYPES: Final = (JSON, YAML)
"""Preferred first. YAML's type is RFC 9512's."""

_BREAKS: Final = re.compile("[\r\x85\u2028\u2029]")
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class _Dumper(yaml.SafeDumper):
    """Writes what readers of YAML 1.1 and 1.2 understand alike."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - what stands in two places is written twice
        """Return true: aliases save little and many tools refuse them."""
        return True


def _real(dumper: yaml.SafeDumper, value: Decimal) -> yaml.Node:
    text = str(value).lower()
    if "." not in text:
        text = text.replace("e", ".0e") if "e" in text else text + ".0"
    node: yaml.Node = dumper.represent_scalar("tag:yaml.org,2002:float", text)
    return node


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    # Within other quotes these are breaks of lines, which are folded to a space when they are read.
    style = '"' if _BREAKS.search(value) else None
    node: yaml.Node = dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)
    return node


_Dumper.add_representer(Decimal, _real)
_Dumper.add_representer(str, _text)
# Text that YAML 1.2 would take for a number, and 1.1 not, stands in quotes.
for _kind, _form in (("int", DECIMAL_INTEGER), ("int", OTHER_INTEGER), ("float", REAL), ("float", NOT_FINITE)):
    _Dumper.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}", re.compile(rf"(?:{_form.pattern})\Z"), list("-+.0123456789")
    )


def json_text(document: Mapping[str, Any]) -> bytes:
    """The document as JSON in UTF-8, its fields in order."""
    return _ENCODER.encode(document)


def rendered(document: Mapping[str, Any], media_type: str) -> bytes:
    """The document as one of `MEDIA_TYPES`, in UTF-8."""
    if media_type == JSON:
        return json_text(document)
    dumped: bytes = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, encoding="utf-8")
    return dumped
