"""Rate limits: which class a request is of, what a class allows, and how answers say so. Pure.

Classes differ by method and the beginning of the path alone, since this is asked on every request: matching a
route would cost more than all the rest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from app.kernel.problems import Fault
from app.operations.modes.modes import SAFE_METHODS


class RouteClass(StrEnum):
    """What is limited together."""

    LOGIN = "login"
    """Where credentials are tried; always counted by address."""
    READ = "read"
    WRITE = "write"
    INGESTION = "ingestion"
    QUERY = "query"
    OTHER = "other"
    """Paths that no part of the service begins with."""


class RateScope(StrEnum):
    """Under what requests are counted."""

    CALLER = "caller"
    """The user or client of a credential that was found valid here before."""
    ADDRESS = "address"
    """The client's address; of IPv6 the /64 network."""


UNLIMITED: Final = frozenset({"/health", "/health/live", "/health/ready"})
"""An overloaded service still says that it lives; these have a lane of their own (`Admission`)."""
LOGIN_PATHS: Final = ("/api/auth/token", "/api/auth/oidc/", "/api/auth/login", "/api/auth/session", "/api/auth/refresh")
BROWSER_LOGIN: Final = ("POST", "/api/sessions")
KNOWN_PATHS: Final = ("/api/", "/system/", "/ofrep/", "/v1/", "/docs", "/metrics", "/openapi.json")
QUERY_PATHS: Final = ("/api/query/",)
INGESTION_PATHS: Final = ("/api/ingestion/",)


def route_class(method: str, path: str) -> RouteClass | None:
    """The class of a request; None when it is not limited."""
    if not path.startswith(KNOWN_PATHS):
        return None if path in UNLIMITED else RouteClass.OTHER
    if path.startswith(LOGIN_PATHS) or (method, path) == BROWSER_LOGIN:
        return RouteClass.LOGIN
    if method in SAFE_METHODS:
        return RouteClass.READ
    if path.startswith(QUERY_PATHS):
        return RouteClass.QUERY
    return RouteClass.INGESTION if path.startswith(INGESTION_PATHS) else RouteClass.WRITE


PAIRS: Final = tuple(
    (kind, scope) for kind in RouteClass for scope in RateScope if (kind, scope) != (RouteClass.LOGIN, RateScope.CALLER)
)
"""Every rule there is, one each."""

MAX_AMOUNT: Final = 100_000_000
MAX_WINDOW_SECONDS: Final = 86_400
MIN_PER_MINUTE: Final = 10
"""Below this an admin could not put back a rule that was set too low by mistake."""


@dataclass(frozen=True, slots=True)
class RateRule:
    """How many requests of a class are taken from one caller or address within a window."""

    route_class: RouteClass
    scope: RateScope
    amount: int
    window_seconds: int
    enabled: bool = True
    name: str = field(init=False)
    policy: str = field(init=False)
    """The field `RateLimit-Policy`: a structured field (RFC 9651) of draft-ietf-httpapi-ratelimit-headers-10."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", f"{self.route_class}-{self.scope}")
        object.__setattr__(self, "policy", f'"{self.name}";q={self.amount};w={self.window_seconds}')


OWN_NAME: Final = "client"
OWN_WINDOW_SECONDS: Final = 60


def own_policy(requests_per_minute: int) -> str:
    """The policy of a client's own bound."""
    return f'"{OWN_NAME}";q={requests_per_minute};w={OWN_WINDOW_SECONDS}'


Rates = Mapping[tuple[RouteClass, RateScope], RateRule]


def in_force(rules: Iterable[RateRule]) -> Rates:
    """The enabled rules by what they are for."""
    return {(rule.route_class, rule.scope): rule for rule in rules if rule.enabled}


def table_faults(rules: list[RateRule]) -> list[Fault]:
    """Everything that is wrong with a whole table of rules."""
    faults = []
    seen: set[tuple[RouteClass, RateScope]] = set()
    for number, rule in enumerate(rules):
        pair, place = (rule.route_class, rule.scope), f"/rules/{number}"
        if pair not in PAIRS:
            faults.append(
                Fault(pointer=f"{place}/scope", code="no-such-rule", message="Log-ins are counted by address.")
            )
        if pair in seen:
            faults.append(Fault(pointer=place, code="repeated-rule", message="There is a rule for this already."))
        seen.add(pair)
        if rule.amount * 60 < MIN_PER_MINUTE * rule.window_seconds:
            message = f"Less than {MIN_PER_MINUTE} requests per minute would shut out whoever must put it back."
            faults.append(Fault(pointer=f"{place}/amount", code="too-low", message=message))
    faults.extend(
        Fault(pointer="/rules", code="missing-rule", message=f"The rule for {kind} by {scope} is missing.")
        for kind, scope in PAIRS
        if (kind, scope) not in seen
    )
    return faults
