"""The schedule, what answers mean, signatures, envelopes, filters: pure rules."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from standardwebhooks import Webhook

from app.kernel.ports.events import EventKind, EventKinds
from app.operations.notifications.channels.channel_types import ChannelType, shown
from app.operations.notifications.channels.schemas import NewChannel, SecretRotation
from app.operations.notifications.channels.webhook_signing import (
    dump_secrets,
    fresh_secret,
    load_secrets,
    rotated,
    signature,
)
from app.operations.notifications.delivery.cloud_events import Message, cloud_event
from app.operations.notifications.delivery.lanes import SLOW_FOR, SlowChannels
from app.operations.notifications.delivery.retry_policy import (
    JITTER,
    MAX_RETRY_AFTER,
    SCHEDULE,
    AttemptOutcome,
    Result,
    judge,
    pause_after,
    retry_after,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
FAILED = AttemptOutcome(Result.FAILED, 500)
HOUR = timedelta(hours=1)


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.now = NOW


def test_the_schedule_under_a_fake_clock() -> None:
    """now, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h; then it is over."""
    clock, tried, tries = Clock(), [], 0
    pause: timedelta | None = SCHEDULE[0]
    while pause is not None:
        clock.now += pause
        tries += 1
        tried.append(clock.now - NOW)
        pause = pause_after(tries, FAILED, lambda low, _: low)
    steps = [timedelta(0), timedelta(seconds=5), timedelta(minutes=5), HOUR / 2, 2 * HOUR, 5 * HOUR, 10 * HOUR]
    assert [later - earlier for earlier, later in pairwise(tried)] == [*steps[1:], 10 * HOUR]
    assert tried[-1] == timedelta(hours=27, minutes=35, seconds=5)


@given(tries=st.integers(1, 20), share=st.floats(0, 1), asked=st.none() | st.integers(0, 10**6))
def test_pauses_are_lengthened_and_bounded(tries: int, share: float, asked: int | None) -> None:
    after = None if asked is None else timedelta(seconds=asked)
    pause = pause_after(
        tries, AttemptOutcome(Result.FAILED, 503, None, after), lambda low, high: low + share * (high - low)
    )
    if tries >= len(SCHEDULE):
        assert pause is None
    else:
        assert pause is not None
        assert SCHEDULE[tries] <= pause <= max(SCHEDULE[tries] * (1 + JITTER), MAX_RETRY_AFTER)
        assert pause >= min(after or timedelta(0), MAX_RETRY_AFTER)


@pytest.mark.parametrize(
    ("status", "result"),
    [(200, Result.SENT), (204, Result.SENT), (299, Result.SENT), (301, Result.FAILED), (308, Result.FAILED),
     (400, Result.FAILED), (410, Result.GONE), (429, Result.FAILED), (500, Result.FAILED), (100, Result.FAILED)],
)  # fmt: skip
def test_what_answers_mean(status: int, result: Result) -> None:
    outcome = judge(status, {}, NOW)
    assert (outcome.result, outcome.status_code, outcome.error is None) == (result, status, result is Result.SENT)


@pytest.mark.parametrize(
    ("value", "pause"),
    [("120", 120), (" 7 ", 7), ("0", 0), ("9" * 40, 10**8), ("Thu, 01 Jan 2026 12:01:00 GMT", 60),
     ("Thu, 01 Jan 2026 11:00:00 GMT", 0), ("-5", None), ("soon", None), ("", None), ("1.5", None), ("²", None)],
)  # fmt: skip
def test_retry_after(value: str, pause: int | None) -> None:
    assert retry_after(value, NOW) == (None if pause is None else timedelta(seconds=pause))
    assert judge(503, {"retry-after": value}, NOW).retry_after == retry_after(value, NOW)
    assert judge(500, {"retry-after": value}, NOW).retry_after is None


@given(body=st.binary(max_size=200).map(lambda raw: json.dumps(raw.hex()).encode()), count=st.integers(1, 4))
def test_signatures_are_those_of_the_reference_implementation(body: bytes, count: int) -> None:
    secrets = [fresh_secret() for _ in range(count)]
    now = datetime.now(UTC)
    headers = {
        "webhook-id": "m",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature([each.key for each in secrets], "m", int(now.timestamp()), body),
    }
    for each in secrets:
        assert Webhook(each.text).verify(body, headers) == json.loads(body)


def test_rotation() -> None:
    first, second = fresh_secret(), fresh_secret()
    kept = rotated([first], second, NOW, HOUR)
    assert [(each.text, each.until) for each in kept] == [(second.text, None), (first.text, NOW + HOUR)]
    assert load_secrets(dump_secrets(kept)) == kept
    assert [each.text for each in rotated(kept, first, NOW + 2 * HOUR, HOUR)] == [first.text, second.text]
    assert rotated(kept, first, NOW, timedelta(0)) == [first]
    for grace, ends in ((2 * HOUR, [2 * HOUR, HOUR]), (HOUR / 2, [HOUR / 2, HOUR / 2])):  # sooner at most, never later
        assert [each.until for each in rotated(kept, first, NOW, grace)] == [None, *(NOW + end for end in ends)]
    for _ in range(9):
        kept = rotated(kept, fresh_secret(), NOW, HOUR)
    assert len(kept) == 4
    assert "whsec" not in repr(kept)


def test_the_body_is_the_same_bytes_each_time() -> None:
    message = Message(
        id=UUID(int=7), event="table:promoted", entity="table/x@1", subject="ä", body="b",
        payload='{"n": 12345678901234567890}', created_at=NOW,
    )  # fmt: skip
    body = cloud_event(message, "urn:spyne")
    assert body == cloud_event(message, "urn:spyne")
    told: dict[str, Any] = json.loads(body)
    assert (told["type"], told["subject"], told["time"]) == (
        "spyne.table.promoted",
        "table/x@1",
        "2026-01-01T12:00:00Z",
    )
    assert told["data"]["payload"] == {"n": 12345678901234567890}


@pytest.mark.parametrize(
    ("kind", "target", "seen"),
    [
        (ChannelType.WEBHOOK, "https://hooks.example.org", "https://hooks.example.org"),
        (ChannelType.WEBHOOK, "https://hooks.example.org/", "https://hooks.example.org"),
        (ChannelType.WEBHOOK, "https://hooks.example.org:8443/hunter2", "https://hooks.example.org:8443/••••"),
        (ChannelType.WEBHOOK, "https://hooks.example.org?t=hunter2", "https://hooks.example.org/••••"),
        (ChannelType.EMAIL, "ops@example.org", "ops@example.org"),
        (ChannelType.EMAIL, "mailtos://me:hunter2@example.org", "mailtos://••••"),
        (ChannelType.APPRISE, "tgram://hunter2/7", "tgram://••••"),
        (ChannelType.APPRISE, "hunter2", "••••"),
    ],
)
def test_targets_as_they_are_shown(kind: ChannelType, target: str, seen: str) -> None:
    assert shown(kind, target) == seen


def test_filters() -> None:
    kinds = EventKinds((EventKind("table:promoted", "x."), EventKind("batch:failed", "x.")))
    taken = {each: kinds.takes(each) for each in ("*", "table:*", "table:promoted", "table:failed", "other:*")}
    assert taken == {"*": True, "table:*": True, "table:promoted": True, "table:failed": False, "other:*": False}


def test_slow_channels_are_those_that_failed_or_were_slow_of_late() -> None:
    slow, one, other = SlowChannels(), UUID(int=1), UUID(int=2)
    slow.note(one, FAILED, 0.1, now=0)
    slow.note(other, AttemptOutcome(Result.SENT, 200), 5, now=0)
    assert set(slow.at(1)) == {one, other}
    slow.note(one, AttemptOutcome(Result.SENT, 200), 0.1, now=2)
    assert slow.at(3) == [other]
    assert slow.at(SLOW_FOR) == []


def test_how_long_an_old_secret_signs_along_and_how_many_filters_there_are() -> None:
    assert SecretRotation().grace_seconds == 24 * 3600
    assert SecretRotation(grace_seconds=30 * 24 * 3600)
    channel = {"name": "a", "channel_type": "webhook", "target": "https://a.example"}
    assert NewChannel.model_validate(channel | {"event_filter": ["a:*"] * 100})
    with pytest.raises(ValidationError):
        SecretRotation(grace_seconds=30 * 24 * 3600 + 1)
    with pytest.raises(ValidationError):
        NewChannel.model_validate(channel | {"event_filter": ["a:*"] * 101})
