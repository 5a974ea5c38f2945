"""EVAL: calculated fields, which see the fields before any of them (props.conf.spec, EVAL-<fieldname>)."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.addons.replay.eval.evaluating import Scope, check_functions, evaluate
from app.addons.replay.eval.nodes import Node
from app.addons.replay.eval.parsing import parse_expression
from app.addons.replay.eval.tokens import EvalError
from app.addons.replay.eval.values import as_texts
from app.addons.replay.searching.fields import EventFields
from app.addons.replay.settings.findings import Findings
from app.addons.replay.settings.stanzas import Settings

PREFIX = "EVAL-"


@dataclass(frozen=True)
class CalculatedField:
    """One EVAL; `expression` is None where it cannot be read, then the field is unset."""

    name: str
    setting: str
    expression: Node | None


def calculated_fields(settings: Settings, findings: Findings) -> list[CalculatedField]:
    """The EVALs; what cannot be read or asks for functions that are not emulated is a problem."""
    found = []
    for key, value in settings.classes(PREFIX):
        expression: Node | None = None
        try:
            expression = parse_expression(value)
            check_functions(expression)
        except EvalError as error:
            findings.add(f"{settings.named(key)}: {error}")
            expression = None
        found.append(CalculatedField(key[len(PREFIX) :], settings.named(key), expression))
    return found


def calculate_fields(
    calculated: list[CalculatedField], defaults: Mapping[str, str], fields: EventFields, findings: Findings
) -> None:
    """Set the calculated fields; one whose expression is null is unset."""
    before = dict(fields.values)
    for each in calculated:
        if each.expression is None:
            fields.put(each.name, ())
            continue
        value = evaluate(each.expression, Scope(before, defaults, findings, each.setting))
        if isinstance(value, bool):
            findings.add(f"{each.setting}: the result is true or false, which no field can hold")
            value = None
        fields.put(each.name, as_texts(value))
