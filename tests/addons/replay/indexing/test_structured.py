"""INDEXED_EXTRACTIONS and the settings of headers."""

import pytest

from app.addons.replay.indexing.structured import split_record
from tests.addons.replay.packages import only_fields, replayed


@pytest.mark.parametrize(
    ("text", "separator", "columns"),
    [
        ("a,b,c", ",", ["a", "b", "c"]),
        ('a,"b,c",d', ",", ["a", "b,c", "d"]),
        ('"say ""x""",b', ",", ['say "x"', "b"]),
        ("a,,", ",", ["a", "", ""]),
        ("a\tb", "\t", ["a", "b"]),
        ("a  b\t c", "whitespace", ["a", "b", "c"]),
        ("", ",", [""]),
        ('"open,b', ",", ["open,b"]),
    ],
)
def test_columns_of_a_record(text: str, separator: str, columns: list[str]) -> None:
    assert split_record(text, separator, '"') == columns


def test_csv_with_a_header() -> None:
    replay = replayed(
        "INDEXED_EXTRACTIONS = csv\nTIMESTAMP_FIELDS = when",
        'id,field.name,when,text\n1,x,2024-05-01 10:00:00,"two\nlines"\n2,,2024-05-01 10:00:01,y\n',
    )
    assert [event.line for event in replay.events] == [2, 4]
    assert replay.events[0].fields == {
        "id": ("1",),
        "field_name": ("x",),
        "when": ("2024-05-01 10:00:00",),
        "text": ("two\nlines",),
    }
    assert "field_name" not in replay.events[1].fields
    assert [event.time.moment.second for event in replay.events if event.time] == [0, 1]


def test_w3c_header_and_its_change() -> None:
    sample = (
        "#Version: 1.0\n#Fields: date time cs(User-Agent) sc-status\n2024-05-01 10:00:00 Mozilla+x 200\n"
        "#Fields: date time sc-status\n2024-05-01 10:00:01 404\n"
    )
    first, second = replayed("INDEXED_EXTRACTIONS = w3c", sample).events
    assert first.fields["cs_User_Agent_"] == ("Mozilla+x",)
    assert (first.fields["sc_status"], second.fields["sc_status"]) == (("200",), ("404",))


TSV_WITH_HEADER = """INDEXED_EXTRACTIONS = tsv
FIELD_HEADER_REGEX = ^#fields\\t
PREAMBLE_REGEX = ^#
MISSING_VALUE_REGEX = ^-$"""


@pytest.mark.parametrize(
    ("settings", "sample", "fields"),
    [
        ("INDEXED_EXTRACTIONS = tsv\nFIELD_NAMES = a, b", "1\t2\n", {"a": ("1",), "b": ("2",)}),
        ("INDEXED_EXTRACTIONS = psv", "a|b\n1|2\n", {"a": ("1",), "b": ("2",)}),
        ("FIELD_DELIMITER = ;\nHEADER_FIELD_LINE_NUMBER = 2", "x\na;b\n1;2\n", {"a": ("1",), "b": ("2",)}),
        ("INDEXED_EXTRACTIONS = csv\nPREAMBLE_REGEX = ^--", "-- x\na,b\n1,2\n", {"a": ("1",), "b": ("2",)}),
        (TSV_WITH_HEADER, "#separator x\n#fields\ta\tb\n#types\tt\tu\n-\t2\n#close\n", {"b": ("2",)}),
        (
            "INDEXED_EXTRACTIONS = csv\nHEADER_FIELD_ACCEPTABLE_SPECIAL_CHARACTERS = .",
            "a.b,c-d\n1,2\n",
            {"a.b": ("1",), "c_d": ("2",)},
        ),
        ("INDEXED_EXTRACTIONS = json", '{"a":{"b":[1,2]}}', {"a.b{}": ("1", "2")}),
        ("INDEXED_EXTRACTIONS = json\nJSON_TRIM_BRACES_IN_ARRAY_NAMES = true", '{"a":[1,2]}', {"a": ("1", "2")}),
    ],
)
def test_fields_at_index_time(settings: str, sample: str, fields: dict[str, tuple[str, ...]]) -> None:
    events = replayed(f"KV_MODE = none\n{settings}", sample).events
    assert events[-1].fields == fields


def test_json_that_is_extracted_at_both_times_has_its_values_twice() -> None:
    assert only_fields("INDEXED_EXTRACTIONS = json\nKV_MODE = json", '{"a":1}') == {"a": ("1", "1")}
