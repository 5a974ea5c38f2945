"""Requests and answers of flags."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, model_validator

from app.kernel.schemas import StrictModel
from app.kernel.timestamps import Moment
from app.operations.flags.definition import FlagType, Operator, Subject
from app.operations.flags.models import MAX_KEY, FlagRow
from app.operations.flags.service import shown_rules

KEY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
MAX_VARIANTS = 50
MAX_RULES = 100
MAX_CONDITIONS = 20
MAX_VALUES = 1000
MAX_VALUE = 256

Key = Annotated[str, StringConstraints(pattern=KEY_PATTERN, max_length=MAX_KEY)]
Variant = Annotated[str, StringConstraints(pattern=KEY_PATTERN, max_length=64)]
Value = Annotated[str, StringConstraints(max_length=MAX_VALUE)] | bool | int | float
Attribute = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class ConditionDocument(StrictModel):
    """Holds when the context's value is one of these, or compares with the version."""

    subject: Subject = Field(
        description="`role`: attribute `roles`. `user`: `user_id` or `user_name`. `client`: `client_id` or "
        "`client_name`. `attribute`: the one named.",
        examples=["role"],
    )
    attribute: Attribute | None = Field(None, description="Of the context; for the subject `attribute` alone.")
    operator: Operator = Field(Operator.IN, description="Of a list in the context, one value suffices for `in`.")
    values: list[Value] = Field(
        min_length=1,
        max_length=MAX_VALUES,
        description="Any of them; a number never equals a text. One semantic version for the operators of versions.",
        examples=[["ENGINEER"]],
    )


class ShareDocument(StrictModel):
    """A variant's share of all targeting keys."""

    variant: Variant = Field(description="One of the flag's.", examples=["on"])
    percentage: float = Field(ge=0, le=100, description="With at most two decimals.", examples=[10])


class FlagRuleDocument(StrictModel):
    """Chooses when all conditions hold: a variant, or one by the targeting key."""

    name: Variant = Field(
        description="Of this flag's rules one alone has it. A split that keeps its rule's name keeps who is in.",
        examples=["ten-percent"],
    )
    when: list[ConditionDocument] = Field(
        default_factory=list, max_length=MAX_CONDITIONS, description="All must hold; none: it holds for everybody."
    )
    variant: Variant | None = Field(None, description="What it chooses.")
    split: list[ShareDocument] | None = Field(
        None,
        min_length=1,
        max_length=MAX_VARIANTS,
        description="Shares, together at most 100; the rest goes on to the next rule. Sticky: who is in stays in "
        "while the share does not shrink.",
        examples=[[{"variant": "on", "percentage": 10}]],
    )


Variants = Annotated[
    dict[Variant, Any],
    Field(
        min_length=1,
        max_length=MAX_VARIANTS,
        description="Values by variant, all of the flag's type.",
        examples=[{"on": True, "off": False}],
    ),
]
Rules = Annotated[
    list[FlagRuleDocument], Field(max_length=MAX_RULES, description="In order; the first that holds counts.")
]
Description = Annotated[str, StringConstraints(max_length=1000)]
Owner = Annotated[str, StringConstraints(max_length=256)]


class NewFlag(StrictModel):
    """A flag to be made."""

    key: Key = Field(description="What code asks for; never used twice.", examples=["new-preview"])
    type: FlagType = Field(description="What every value is; never changes.", examples=["boolean"])
    variants: Variants
    default_variant: Variant = Field(description="When no rule chooses.", examples=["off"])
    off_variant: Variant = Field(description="While the flag is off: the safe one.", examples=["off"])
    enabled: bool = Field(default=False, description="Whether the rules count; off, it is the off variant.")
    rules: Rules = Field(default_factory=list)
    description: Description = Field("", description="What it decides.")
    owner: Owner = Field("", description="Who answers for it.")
    expires_at: Moment | None = Field(None, description="When it should be gone from the code; a hint alone.")


class FlagChange(StrictModel):
    """What is to change; what is not named stays."""

    variants: Variants = Field(default_factory=dict)
    default_variant: Variant = Field("x", description="When no rule chooses.")
    off_variant: Variant = Field("x", description="While the flag is off.")
    enabled: bool = Field(default=False, description="Whether the rules count.", examples=[True])
    rules: Rules = Field(default_factory=list)
    description: Description = Field("", description="What it decides.")
    owner: Owner = Field("", description="Who answers for it.")
    expires_at: Moment | None = Field(None, description="When it should be gone; a hint alone.")
    archived: bool = Field(default=False, description="Archived, no evaluation knows it; the key stays taken.")

    @model_validator(mode="after")
    def _something(self) -> "FlagChange":
        if not self.model_fields_set:
            raise ValueError(f"name at least one of {', '.join(type(self).model_fields)}")
        return self


class FlagDocument(BaseModel):
    """A flag."""

    key: str = Field(description="What code asks for.")
    type: FlagType = Field(description="What every value is.")
    variants: dict[str, Any] = Field(description="Values by variant.")
    default_variant: str = Field(description="When no rule chooses.")
    off_variant: str = Field(description="While the flag is off.")
    enabled: bool = Field(description="Whether the rules count.")
    rules: list[FlagRuleDocument] = Field(description="In order.")
    description: str = Field(description="What it decides.")
    owner: str = Field(description="Who answers for it.")
    expires_at: datetime | None = Field(description="When it should be gone; a hint alone.")
    archived_at: datetime | None = Field(description="Unknown to evaluations since then.")
    version: int = Field(description="Counts changes.")
    created_at: datetime = Field(description="When it was made.")
    created_by: str = Field(description="Who made it.")
    updated_at: datetime = Field(description="Last change.")
    updated_by: str = Field(description="Who made it.")

    @classmethod
    def of(cls, row: FlagRow) -> "FlagDocument":
        """The document of a row."""
        fields = {name: getattr(row, name) for name in cls.model_fields if name != "rules"}
        return cls(**fields, rules=[FlagRuleDocument(**rule) for rule in shown_rules(row.rules)])
