"""TIME_FORMAT: what each directive reads, which formats are impossible, which are hardly meant."""

import re
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.timestamps.time_format import TimeFormatError, compile_time_format, format_warnings
from tests.addons.timestamps.samples import REFERENCE, moments, written

SENSIBLE = (
    "%Y-%m-%dT%H:%M:%S.%3N%:z", "%Y-%m-%d %H:%M:%S,%3N", "%d/%b/%Y:%H:%M:%S.%6N %z", "%y%m%d %H:%M:%S.%Q",
    "%Y%m%d%H%M%S%3N", "%s%3N", "%s.%6N", "%s%9N", "%b %e %Y %k:%M:%S.%3N", "%a %b %d %H:%M:%S.%9N %Z %Y",
    "%m/%d/%Y %I:%M:%S.%3N %p", "%d.%m.%y %l:%M:%S.%f %p", "%Y %j %T.%N", "%F %T.%3Q %z", "date=%Y-%m-%d time=%T.%3N",
    "%D %T.%3N", "%d %B %Y %R:%S.%3N", "100%% %C%y-%m-%d %T.%3N", "%Y-%m-%d%n%H:%M:%S%t.%3N",
)  # fmt: skip


def expanded(text: str) -> str:
    for short, long in (("%T", "%H:%M:%S"), ("%F", "%Y-%m-%d"), ("%D", "%m/%d/%y"), ("%R", "%H:%M")):
        text = text.replace(short, long)
    return text.replace("%n", "\n").replace("%t", "\t").replace("%3Q", "%Q").replace("%N", "%9N").replace("%B", "%b")


@pytest.mark.parametrize("text", SENSIBLE)
@settings(max_examples=25)
@given(moment=moments())
def test_what_a_format_writes_it_reads(text: str, moment: datetime) -> None:
    if "%s" in text and moment.timestamp() < 1e9:
        moment += timedelta(days=12_000)  # `%s` beside a fraction is ten digits
    event = re.sub(
        r"%([369]N|:z|.)", lambda found: "%" if found[1] == "%" else written(moment, found[1]), expanded(text)
    )
    found = compile_time_format(text).match(f"  {event} rest", 0, REFERENCE, UTC)
    assert found is not None
    assert found.moment == moment
    assert (found.start, found.year_known) == (2, True)
    assert event.startswith(f"{event[: found.end - 2]}")
    assert found.zone_known is ("%s" in text or "z" in text or "Z" in text)


@given(text=st.text(max_size=40), form=st.text(alphabet="%YymbdHMSNQzZpsCjaIkl369: -./T", max_size=12))
def test_no_text_and_no_format_raise_anything_else(text: str, form: str) -> None:
    warnings = format_warnings(form)
    try:
        compiled = compile_time_format(form)
    except TimeFormatError:
        assert warnings == ()
        return
    compiled.match(text, 0, REFERENCE, UTC)


CASES = (
    ("%b %d %H:%M:%S", "Jun  8 14:34:33", "2025-06-08T14:34:33"),
    ("%b %d %H:%M:%S", "Mar 11 11:00:00", "2026-03-11T11:00:00"),
    ("%b %d %H:%M:%S", "Mar 12 14:00:00", "2025-03-12T14:00:00"),
    ("%b %d %H:%M:%S", "Feb 29 00:00:01", "2024-02-29T00:00:01"),
    ("%B %d %Y %H:%M", "september 3 2024 7:05", "2024-09-03T07:05:00"),
    ("%b %d %Y %H:%M", "Sept 3 2024 07:05", "2024-09-03T07:05:00"),
    ("%Y-%m-%d %H:%M:%S", "2023-02-30 10:00:00", None),
    ("%Y-%m-%d %H:%M:%S", "2023-02-28 24:00:00", None),
    ("%Y-%m-%d %H:%M:%S", "2016-12-31 23:59:60", "2016-12-31T23:59:59"),
    ("%Y-%m-%d %H:%M:%S", "x 2016-12-31 23:59:59", None),
    ("%Y-%m-%d %H:%M:%S.%3N", "2024-01-02 03:04:05.1", "2024-01-02T03:04:05.100000"),
    ("%Y-%m-%d %H:%M:%S.%3N%Z", "2024-01-02 03:04:05.1234567Z", "2024-01-02T03:04:05.123456"),
    ("%Y%m%d%H%M%S%3N", "20240102030405123", "2024-01-02T03:04:05.123000"),
    ("%Y-%m-%d %H:%M:%S", "2024-01-02 3:4:5", "2024-01-02T03:04:05"),
    ("%d/%m/%Y %I:%M %p", "03/04/2024 12:05 a.m.", "2024-04-03T00:05:00"),
    ("%d/%m/%Y %I:%M %p", "03/04/2024 12:05 PM", "2024-04-03T12:05:00"),
    ("%d/%m/%Y %I:%M %p", "03/04/2024 13:05 PM", None),
    ("%d/%m/%Y %H:%M %p", "03/04/2024 02:05 PM", "2024-04-03T02:05:00"),
    ("%Y-%m-%d %H:%M %Ez", "2024-01-02 03:04 -90", "2024-01-02T04:34:00"),
    ("%Y-%m-%d %H:%M %z", "2024-01-02 03:04 -05", "2024-01-02T08:04:00"),
    ("%Y-%m-%d %H:%M %::z", "2024-01-02 03:04 -05:00:30", "2024-01-02T08:04:30"),
    ("%Y-%m-%d %H:%M %Z", "2024-01-02 03:04 EST", "2024-01-02T08:04:00"),
    ("%Y-%m-%d %H:%M %Z", "2024-07-02 03:04 Europe/Berlin", "2024-07-02T01:04:00"),
    ("%Y-%m-%d %H:%M %Z", "2024-01-02 03:04 GMT+8", "2024-01-01T19:04:00"),
    ("%Y-%m-%d %H:%M %Z", "2024-01-02 03:04 XYZ", "2024-01-02T03:04:00"),
    ("%+", "Thu Jul 18 09:30:00 PDT 2019", "2019-07-18T16:30:00"),
    ("%c", "Thu Jul 18 09:30:00 2019", "2019-07-18T09:30:00"),
    ("%x %X", "7/13/2019 09:30:00", "2019-07-13T09:30:00"),
    ("%s", "1684329817579", "2023-05-17T13:23:37"),
    ("%s%3N", "168432981757", None),
    ("%y%m%d %H", "22112 14", None),
    ("%j %Y", "366 2023", None),
    ("%j %H", "070 11", "2026-03-11T11:00:00"),
    ("%y %m %d", "69 01 02", "1969-01-02T00:00:00"),
    ("%y %m %d", "68 01 02", "2068-01-02T00:00:00"),
    ("%H:%M:%S", "14:59:00", "2026-03-10T14:59:00"),
    ("%H:%M:%S", "15:01:00", "2026-03-09T15:01:00"),
    ("%d %H:%M", "11 11:00", "2026-03-11T11:00:00"),
    ("%d %H:%M", "12 13:00", "2026-02-12T13:00:00"),
    ("%Y", "0000", None),
    ("%Y-%m-%d %H:%M %z", "9999-12-31 23:59 -1400", None),
)  # fmt: skip


@pytest.mark.parametrize(("form", "text", "moment"), CASES)
def test_readings(form: str, text: str, moment: str | None) -> None:
    found = compile_time_format(form).match(text, 0, REFERENCE, UTC)
    assert (None if found is None else found.moment) == (
        None if moment is None else datetime.fromisoformat(moment).replace(tzinfo=UTC)
    )


def test_what_the_text_does_not_say_is_known_as_such() -> None:
    form = compile_time_format("%b %d %H:%M:%S %Z")
    found = form.match("Jun 8 14:34:33 LMT", 0, REFERENCE, timezone(timedelta(hours=2)))
    assert found is not None
    assert (found.zone_known, found.year_known) == (False, False)
    assert found.moment == datetime(2025, 6, 8, 12, 34, 33, tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("", "no directive for a date"),
        ("YYYY-MM-DD", "write %Y-%m-%d"),
        ("%a %Z", "no directive for a date"),
        ("%Y-%m-%d %", "% at the end"),
        ("%Y-%m-%d %H:%M:%S.%L", "%L is unknown: milliseconds are %3N"),
        ("%Y-%m-%d %H:%i", "%i is unknown: the minute is %M"),
        ("%-d %b", "%- is unknown: leading zeros"),
        ("%s%4N", "%4N is unknown: fractions are %3N, %6N or %9N"),
        ("%Y %y", "the year stands twice"),
        ("%F %Y", "the year stands twice"),
        ("%m %b", "the month stands twice"),
        ("%H %I %p", "the hour stands twice"),
        ("%Y %j %m", "leave out %m"),
        ("%C %m", "no %y"),
        ("%Y" + " " * 300, "256"),
    ],
)
def test_impossible_formats(form: str, message: str) -> None:
    with pytest.raises(TimeFormatError, match=re.escape(message)):
        compile_time_format(form)
    assert format_warnings(form) == ()


@pytest.mark.parametrize(
    ("form", "warning"),
    [
        ("%Y-%m-%d %I:%M:%S", "%I without %p"),
        ("%Y-%m-%d %H:%M:%S %p", "%p belongs to %I"),
        ("%Y-%M-%d", "the month is %m"),
        ("%Y-%m-%d %H", "no minute"),
        ("%H:%M:%S", "no date"),
        ("%Y-%m-%d", "no time of day"),
        ("%Y-%m %H:%M", "no day"),
        ("%Y-%m-%dT%H:%M:%SZ", "literal Z"),
        ("%Y-%m-%d %H:%M:%S UTC", "literal UTC"),
        ("%s %Y", "%s is the whole time"),
        ("%Y %V %m %d %H:%M", "weeks"),
    ],
)
def test_formats_that_are_hardly_meant(form: str, warning: str) -> None:
    assert any(warning in each for each in format_warnings(form))


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%S.%6N%:z", "%b %d %H:%M:%S", "%s", "%d/%b/%Y:%T %z", "%s.%3N"])
def test_usual_formats_have_no_warning(form: str) -> None:
    assert format_warnings(form) == ()


@pytest.mark.parametrize("text", ["9" * 100_000, " " * 100_000, "2024 " * 20_000, "Jan " * 25_000])
def test_long_texts_take_no_time(text: str) -> None:
    forms = [compile_time_format(each) for each in ("%b %d %Y %H:%M:%S", "%Y%m%d%H%M%S%9N", "%Y   %m   %d %Z")]
    begun = time.process_time()
    for form in forms:
        form.match(text, 0, REFERENCE, UTC)
    assert time.process_time() - begun < 0.5
