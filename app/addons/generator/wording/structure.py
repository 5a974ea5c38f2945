"""The pattern of a template: words as they are, variables as named groups."""

import re
from collections.abc import Sequence

from app.addons.generator.settings.plan import free_name, literal
from app.addons.generator.shapes.names import field_name, name_for
from app.addons.generator.shapes.profiles import profile
from app.addons.generator.wording.composites import composite_of, value_of
from app.addons.generator.wording.templates import Slot, Template
from app.addons.generator.wording.tokens import Kind

_GROUP = re.compile(r"\(\?<([A-Za-z_]\w*)>")


def pattern_of(template: Template, taken: Sequence[str] = ()) -> str | None:
    """The pattern that reads the template's texts from their start; None where the template has no variable.

    Names of groups are distinct within the pattern and stay clear of the names that are taken.
    """
    names: list[str] = list(taken)
    parts = ["^"]
    groups = 0
    for position, slot in enumerate(template.slots):
        parts.append(_gap(template, position))
        if not slot.variable:
            parts.append(literal(slot.token.opening + slot.token.text + slot.token.closing))
            continue
        written = _variable(template, position, names)
        found = _GROUP.findall(written)
        groups += len(found)
        names += found
        parts.append(written)
    return "".join(parts) if groups else None


def _gap(template: Template, position: int) -> str:
    if position == 0:
        return r"\s*"
    gap = template.slots[position].token.gap
    return gap if gap in ("", " ") else r"\s*"


def _variable(template: Template, position: int, names: list[str]) -> str:
    slot = template.slots[position]
    token = slot.token
    key = token.opening[:-1] if token.opening.endswith("=") else None
    before = "".join(_shown(each) for each in template.slots[max(0, position - 6) : position])
    before += token.gap + token.opening
    after = "".join(_shown(each) for each in template.slots[position + 1 : position + 4])
    values = [_plain(value) for value in slot.values]
    name = name_for(profile(values), key=key, before=before, after=after, position=position + 1, taken=names)
    name = free_name(field_name(name), names)
    if token.kind is Kind.BRACKETED:
        close = "\\" + token.closing
        return rf"\{token.opening}(?<{name}>[^{close}\n]*+){close}"
    quote = token.opening if token.kind is Kind.QUOTED else ""
    stop = rf"{quote}\n" if quote else _stop(template.slots, position)
    composite = composite_of(values, bool(quote))
    if composite is not None:
        inside = _clear(composite(name, stop), names)
    elif quote:
        inside = rf"(?<{name}>[^{quote}\\\n]*+(?:\\.[^{quote}\\\n]*+)*+)"
    else:
        inside = rf"(?<{name}>{value_of(stop)})"
    return f"{quote}{inside}{quote}" if quote else literal(token.opening) + inside


def _shown(slot: Slot) -> str:
    """The slot as it stands in the first of the texts."""
    token = slot.token
    return token.gap + token.opening + (slot.values[0] if slot.variable else token.text) + token.closing


def _plain(value: str) -> str:
    return value.replace('\\"', '"')


def _stop(slots: Sequence[Slot], position: int) -> str:
    """The character beside blanks that ends a variable: the first one of what follows at once, a colon at the end."""
    following = slots[position + 1] if position + 1 < len(slots) else None
    if following is None:
        return ":"
    if following.token.gap:
        return ""
    return re.escape((following.token.opening + following.token.text)[0])


def _clear(pattern: str, taken: Sequence[str]) -> str:
    """The pattern with the names of its parts made distinct from the names that are taken."""
    used = list(taken)
    for part in dict.fromkeys(_GROUP.findall(pattern)):
        free = free_name(part, used)
        used.append(free)
        if free != part:
            pattern = pattern.replace(f"(?<{part}>", f"(?<{free}>")
    return pattern
