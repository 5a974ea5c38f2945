"""Event types and tags."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.replay.matching.conditions import SearchError, parse_search
from app.addons.replay.matching.judging import satisfies
from tests.addons.replay.packages import replayed

RAW = "sshd[1]: Failed password for root from 10.0.0.1, error_code=17"
FIELDS = {"action": ("failure",), "user": ("root",), "status": ("404",), "m": ("a", "b"), "sourcetype": ("acme:ssh",)}

CASES = [
    ("sourcetype=acme:ssh", True),
    ("sourcetype=acme:*", True),
    ('sourcetype="ACME:SSH"', True),
    ("sourcetype=other", False),
    ("action=failure user=root", True),
    ("action=failure AND user=x", False),
    ("action=success OR user=root", True),
    ("user=x action=failure OR user=root", False),
    ("(user=x action=failure) OR user=root", True),
    ("NOT user=root", False),
    ("NOT missing=*", True),
    ("user!=bob", True),
    ("missing!=bob", False),
    ("status>=400 status<500", True),
    ("status>404", False),
    ("status IN (200, 404)", True),
    ("user IN (ro*)", True),
    ("m=b", True),
    ("failed", True),
    ("fail", False),
    ("fail*", True),
    ('"failed password"', True),
    ('"failed passwor"', False),
    ("error_code=17", False),
    ("TERM(10.0.0.1)", True),
    ("index=main failed", True),
    ("*", True),
    ("", True),
    ("Failed NOT accepted", True),
]


@pytest.mark.parametrize(("search", "expected"), CASES)
def test_searches(search: str, expected: bool) -> None:
    assert satisfies(parse_search(search), RAW, FIELDS) is expected


@pytest.mark.parametrize(
    "search",
    ["a | stats count", "`macro`", "[search x]", "(a", "a)", "OR b", "a OR", "user=", "x IN (a", "(" * 100, "a = (b)"],
)
def test_searches_that_no_event_type_may_have(search: str) -> None:
    with pytest.raises(SearchError):
        parse_search(search)


@settings(max_examples=100)
@given(
    st.lists(st.sampled_from(["a", "b*", '"c d"', "(", ")", "AND", "OR", "NOT", "=", "IN", ",", "<", "x"])).map(
        " ".join
    )
    | st.text(max_size=30),
    st.text(max_size=30),
)
def test_no_search_raises_anything_else(search: str, raw: str) -> None:
    try:
        satisfies(parse_search(search), raw, FIELDS)
    except SearchError:
        return


EVENT_TYPES = """[acme_login]
search = sourcetype=acme action=*
[acme_failed]
search = eventtype=acme_login Failed
[off]
search = *
disabled = true
[broken]
search = a | b
"""


def test_event_types_tags_and_models() -> None:
    replay = replayed(
        "SHOULD_LINEMERGE = false\nEXTRACT-a = (?<action>Failed|Accepted) for (?<user>\\w+)",
        "Failed for bob\nAccepted for eve\n",
        eventtypes=EVENT_TYPES,
        tags="[eventtype=acme_login]\nauthentication = enabled\nold = disabled\n[user=bob]\nprivileged = enabled\n",
    )
    first, second = replay.events
    assert first.eventtypes == ("acme_failed", "acme_login")
    assert first.tags == ("authentication", "privileged")
    assert (second.eventtypes, second.tags) == (("acme_login",), ("authentication",))
    assert "broken" in " ".join(replay.report.problems)
    (model,) = replay.report.models
    assert (model.model, model.events) == ("Authentication", 2)
    assert model.present == {"action": 2, "app": 0, "dest": 0, "src": 0, "user": 2}
