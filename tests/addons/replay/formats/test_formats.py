"""KV_MODE: pairs, JSON, XML and tables."""

import pytest

from app.addons.replay.formats.json_fields import json_fields
from app.addons.replay.formats.key_values import escaped_key_values, key_values
from app.addons.replay.formats.table_fields import table_fields
from app.addons.replay.formats.xml_fields import xml_fields


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("user=alice src=10.0.0.1", {"user": "alice", "src": "10.0.0.1"}),
        ('a="x y", b=2; c=3', {"a": "x y", "b": "2", "c": "3"}),
        ('myfield=" apples "', {"myfield": "apples"}),
        ("GET /cart.do?action=view&itemId=EST-14&s=A1 HTTP", {"action": "view", "itemId": "EST-14", "s": "A1"}),
        ('"http://x/y?itemId=EST-14"', {"itemId": "EST-14"}),
        ("OUT= MAC=00:08", {"MAC": "00:08"}),
        ("a= b=2", {"b": "2"}),
        ("key = value", {"key": "value"}),
        ("a=1 a=2", {"a": "1"}),
        ("id.orig_h=1 _x=2 x-y=3", {"id_orig_h": "1", "x": "2", "x_y": "3"}),
        ('text="open', {}),
        ("a==b", {"a": "=b"}),
        ("9=1", {}),
        ("msg=audit(1684329817.579:2995):", {"msg": "audit(1684329817.579:2995):"}),
        ("", {}),
    ],
)
def test_pairs(text: str, fields: dict[str, str]) -> None:
    assert key_values(text) == {name: [value] for name, value in fields.items()}


def test_escaped_quotes_are_read_in_auto_escaped_alone() -> None:
    text = r'field="value with \"nested\" quotes" b=1'
    assert escaped_key_values(text) == {"field": ['value with "nested" quotes'], "b": ["1"]}
    assert key_values(text)["field"] == ["value with \\"]


def test_spaces_around_values_stay_where_the_setting_says_so() -> None:
    assert key_values('a=" x "', trimmed=False) == {"a": [" x "]}


def test_a_hundred_fields_in_ten_thousand_characters() -> None:
    assert len(key_values(" ".join(f"k{number}=v" for number in range(200)))) == 100
    assert not key_values(" " * 10_240 + "a=1")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ('{"a":{"b":[{"c":1},{"c":2}]},"d":[1,"x"]}', {"a.b{}.c": ["1", "2"], "d{}": ["1", "x"]}),
        ('{"n":0.000002701,"t":true,"z":null,"e":"","s":-1.5E3}',
         {"n": ["0.000002701"], "t": ["true"], "z": ["null"], "e": [""], "s": ["-1.5E3"]}),
        ('{\n  "a": "x\\ny\\u00e9",\n  "b": {}\n}', {"a": ["x\ny\u00e9"]}),
        ('[{"a":1},{"a":2}]', {"{}.a": ["1", "2"]}),
        ('{"a":1,"b":"cut of', {"a": ["1"]}),
        ('{"a":1} trailing {"b":2}', {"a": ["1"]}),
        ('{"a":1,"a":2}', {"a": ["1", "2"]}),
        ('{"a" 1}', {}),
        ("a=1", {}),
        ('"text"', {}),
        ("{", {}),
        ('{"a":"\\ud800"}', {}),
    ],
)  # fmt: skip
def test_json(text: str, fields: dict[str, list[str]]) -> None:
    assert json_fields(text) == fields


def test_json_is_read_to_five_thousand_characters() -> None:
    assert json_fields('{"a":"' + "x" * 4_000 + '","b":"' + "y" * 2_000 + '","c":1}').keys() == {"a"}
    assert json_fields('{"a":"' + "x" * 9_000 + '","c":1}', 0).keys() == {"a", "c"}


def test_json_nested_without_end_is_bounded() -> None:
    assert json_fields('{"a":' * 1_000 + "1") == {}


def test_xml() -> None:
    text = (
        "<Event xmlns='urn:x'><System><Provider Name='P'/><EventID>1</EventID></System>"
        "<EventData><Data Name='A'>x &amp; y</Data><Data Name='B'>z</Data></EventData></Event>"
    )
    assert xml_fields(text) == {
        "Event.System.Provider{@Name}": ["P"],
        "Event.System.EventID": ["1"],
        "Event.EventData.Data{@Name}": ["A", "B"],
        "Event.EventData.Data": ["x & y", "z"],
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<",
        "no xml",
        "<a><b></a>",
        '<!DOCTYPE x [<!ENTITY e "eee">]><a>&e;</a>',
        '<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        "<a>" * 5_000,
        "<a>\0</a>",
    ],
)
def test_broken_and_hostile_xml_gives_no_fields_and_no_error(text: str) -> None:
    assert xml_fields(text) == {}


def test_xml_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    text = "<a>" + "".join(f"<b{number}>x</b{number}>" for number in range(2_000))
    found = xml_fields(text)
    assert 100 < len(found) < 500


def test_tables() -> None:
    assert table_fields("PID %CPU CMD\n1 0.5 init\n2 1.0 sh\n") == {
        "PID": ["1", "2"],
        "CPU": ["0.5", "1.0"],
        "CMD": ["init", "sh"],
    }
    assert table_fields("\n") == {}
