"""The whole replay: its figures, what it does with odd packages and samples."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.package.files import Package
from app.addons.replay.cim import MODELS, models_of
from app.addons.replay.replaying import replay
from tests.addons.replay.packages import REFERENCE, package, replayed

PROPS = "SHOULD_LINEMERGE = false\nTIME_FORMAT = %Y-%m-%d %H:%M:%S\n"


def test_figures() -> None:
    report = replayed(PROPS, "2024-05-01 10:00:00 a=1 b=2\nno time a=1\n2010-01-01 00:00:00 x\n").report
    assert (report.events, report.boundaries, report.with_time) == (3, (1, 2, 3), 2)
    assert report.time_share == pytest.approx(2 / 3)
    assert (report.with_extraction, report.extraction_share) == (2, pytest.approx(2 / 3))
    assert report.fields == {"a": 2, "b": 1}
    assert report.fields_per_event == 1.0
    assert report.outside == 1
    assert [each.line for each in report.unmatched] == [3]


def test_nothing_at_all() -> None:
    found = replay(Package("empty"), "")
    assert (found.events, found.report.time_share, found.report.extraction_share) == ((), 0.0, 0.0)
    assert "no stanza of a source type" in found.report.problems[0]


def test_the_given_source_type_holds() -> None:
    acme = package("[a]\nEXTRACT-x = (?<one>\\w)\n[b]\nEXTRACT-x = (?<two>\\w)\n")
    for name, field in (("a", "one"), ("b", "two")):
        (event,) = replay(acme, "x", sourcetype=name, reference=REFERENCE).events
        assert (event.sourcetype, set(event.fields)) == (name, {field})


def test_a_renamed_source_type_is_read_with_the_settings_of_its_new_name() -> None:
    props = "[old]\nrename = new\nEXTRACT-x = (?<one>\\w)\n[new]\nEXTRACT-x = (?<two>\\w)\n"
    (event,) = replayed(props, "x").events
    assert (event.sourcetype, set(event.fields)) == ("new", {"two"})


def test_local_settings_overlay_default_ones() -> None:
    acme = Package(
        "a", {"default/props.conf": b"[a]\nEXTRACT-x = (?<one>x)", "local/props.conf": b"[a]\nEXTRACT-x = (?<two>x)"}
    )
    assert set(replay(acme, "x").events[0].fields) == {"two"}


def test_no_time_where_the_settings_turn_times_off() -> None:
    assert replayed("DATETIME_CONFIG = NONE", "2024-05-01 10:00:00 x").events[0].time is None


def test_the_zone_of_the_settings() -> None:
    (event,) = replayed(f"{PROPS}TZ = Europe/Berlin", "2024-05-01 10:00:00 x").events
    assert event.time is not None
    assert event.time.moment.astimezone(REFERENCE.tzinfo).hour == 8


def test_models_need_all_their_tags() -> None:
    assert [model.name for model in models_of(["network", "communicate", "x"])] == ["Network_Traffic"]
    assert not models_of(["network"])
    assert all(model.required and not set(model.required) & set(model.recommended) for model in MODELS)
    assert len({model.name for model in MODELS}) == len(MODELS)


KEYS = st.sampled_from(
    [
        "LINE_BREAKER", "TRUNCATE", "SHOULD_LINEMERGE", "BREAK_ONLY_BEFORE", "MUST_BREAK_AFTER", "MAX_EVENTS",
        "TIME_PREFIX", "TIME_FORMAT", "MAX_TIMESTAMP_LOOKAHEAD", "TZ", "MAX_DAYS_AGO", "INDEXED_EXTRACTIONS",
        "FIELD_DELIMITER", "FIELD_QUOTE", "FIELD_NAMES", "HEADER_FIELD_LINE_NUMBER", "FIELD_HEADER_REGEX",
        "PREAMBLE_REGEX", "MISSING_VALUE_REGEX", "TIMESTAMP_FIELDS", "SEDCMD-a", "TRANSFORMS-a", "EXTRACT-a",
        "EXTRACT-b", "REPORT-a", "KV_MODE", "AUTO_KV_JSON", "FIELDALIAS-a", "EVAL-a", "EVAL-b", "LOOKUP-a",
        "rename", "sourcetype", "priority", "DATETIME_CONFIG", "REGEX", "FORMAT", "DELIMS", "FIELDS",
        "SOURCE_KEY", "DEST_KEY", "WRITE_META", "REPEAT_MATCH", "MV_ADD", "CLEAN_KEYS", "KEEP_EMPTY_VALS",
        "LOOKAHEAD", "filename", "match_type", "max_matches", "search", "disabled", "authentication",
    ]
)  # fmt: skip
VALUES = st.sampled_from(
    r"""
    t;s, t;true;false;0;1;-1;99999999999999999999;json;xml;auto;auto_escaped;multi;csv;w3c;tsv;none;([\r\n]+);(?<a>\w+)
    (?<a>\w+)=(?<b>\w*) in a;(a+)+$;(;(x*);^;$1::$2;a::$1 b::"$2";_KEY_1;"|", "=";",";a, "b c", d;s/a/b/g;y/ab/cd/
    s/(a*)/\1/;a AS b;a ASNEW b b AS a;t a AS b OUTPUT c;t a OUTPUTNEW b;x.csv;WILDCARD(a), CIDR(b);_raw;queue;nullQueue
    MetaData:Host;MetaData:Sourcetype;field:a;host::$1;%Y-%m-%d;%s;%Q;%;UTC;Mars/Phobos;a=b OR c;lower(a);a . b
    if(a==1, b, c);replace(_raw, "(a+)+$", "x");space;\x14;whitespace;NONE;source::x;enabled
    """.strip()
    .replace("\n    ", ";")
    .split(";")
) | st.text(max_size=12)
STANZAS = st.sampled_from(["t", "s", "default", "source::*", "host::h", "source::(", "eventtype=t", "a=1"])
CONF = st.lists(st.tuples(STANZAS, st.lists(st.tuples(KEYS, VALUES), max_size=8)), max_size=4).map(
    lambda stanzas: "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in items) for name, items in stanzas
    )
)
SAMPLES = st.lists(
    st.sampled_from(
        [
            "a=1 b=2", '{"a":1,"b":{"c":[1,2', "<a><b>1</b></a>", "2024-05-01 10:00:00 x", "#Fields: a b", "a,b", "1,2",
            "\n", "\r\n", "\0", "\u00e9", "\ud83d\ude00", '"', "=", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", " " * 30, "\\",
        ]
    )
    | st.text(max_size=20)
).map("\n".join)  # fmt: skip


@settings(max_examples=100)
@given(CONF, CONF, st.text(max_size=30) | st.just("a,b,c\n1,2,3\n"), SAMPLES)
def test_no_package_and_no_sample_raises(props: str, others: str, table: str, sample: str) -> None:
    files = {
        f"default/{name}.conf": others.encode("utf-8", "surrogatepass") for name in ("transforms", "eventtypes", "tags")
    }
    files["default/props.conf"] = props.encode("utf-8", "surrogatepass")
    files["lookups/x.csv"] = table.encode("utf-8", "surrogatepass")
    found = replay(Package("odd", files), sample, host="h")
    assert found.report.events == len(found.events) == len(found.report.boundaries)
    assert all(
        values and all(isinstance(value, str) for value in values) for e in found.events for values in e.fields.values()
    )


@settings(max_examples=50)
@given(st.text(max_size=200))
def test_every_visible_character_of_a_sample_is_in_an_event(sample: str) -> None:
    text = "".join(event.raw for event in replayed("SHOULD_LINEMERGE = false", sample).events)
    assert "".join(text.split()) == "".join(sample.split())
