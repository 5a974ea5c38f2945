"""FIELDALIAS, EVAL and LOOKUP."""

import pytest

from tests.addons.replay.packages import only_fields, replayed

EVENT = "src=10.0.0.1 user=Bob status=404 dup=x"
TABLE = "[t]\nfilename = codes.csv\n"
CODES = "code,text,kind\n404,missing,client\n404,again,client\n500,broken,server\n"


def changed(props: str, transforms: str = "", **files: str) -> dict[str, tuple[str, ...]]:
    """The fields that are not those of the event itself."""
    plain = only_fields("", EVENT)
    found = only_fields(props, EVENT, transforms, **files)
    gone: dict[str, tuple[str, ...]] = {name: () for name in plain if name not in found}
    return {**gone, **{name: values for name, values in found.items() if plain.get(name) != values}}


@pytest.mark.parametrize(
    ("setting", "fields"),
    [
        ("FIELDALIAS-a = src AS src_ip", {"src_ip": ("10.0.0.1",)}),
        ("FIELDALIAS-a = src AS a user as b", {"a": ("10.0.0.1",), "b": ("Bob",)}),
        ('FIELDALIAS-a = "src" AS "src ip"', {"src ip": ("10.0.0.1",)}),
        ("FIELDALIAS-a = src AS a\nFIELDALIAS-b = a AS b", {"a": ("10.0.0.1",), "b": ()}),
        ("FIELDALIAS-a = src AS dup", {"dup": ("10.0.0.1",)}),
        ("FIELDALIAS-a = none AS dup", {"dup": ()}),
        ("FIELDALIAS-a = src ASNEW dup", {}),
        ("FIELDALIAS-a = none ASNEW dup", {}),
        ("FIELDALIAS-a = src ASNEW new", {"new": ("10.0.0.1",)}),
        ("EVAL-x = status*2\nEVAL-status = 100", {"x": ("808",), "status": ("100",)}),
        ('FIELDALIAS-a = src AS ip\nEVAL-x = ip."!"', {"ip": ("10.0.0.1",), "x": ("10.0.0.1!",)}),
        ("EVAL-user = lower(user)", {"user": ("bob",)}),
        ("EVAL-user = null()", {"user": ()}),
        ("EVAL-user = unknown(user)", {"user": ()}),
        ('EVAL-m = split(src, ".")', {"m": ("10", "0", "0", "1")}),
        ('EVAL-s = sourcetype."/".source', {"s": ("acme/sample.log",)}),
        ("EVAL-l = len(_raw)", {"l": (str(len(EVENT)),)}),
    ],
)  # fmt: skip
def test_aliases_and_calculated_fields(setting: str, fields: dict[str, tuple[str, ...]]) -> None:
    assert {name: values for name, values in changed(setting).items() if values or name in fields} == {
        name: values for name, values in fields.items() if values or name in only_fields("", EVENT)
    }


@pytest.mark.parametrize(
    ("lookup", "stanza", "fields"),
    [
        ("t code AS status OUTPUT text", "max_matches = 1", {"text": ("missing",)}),
        ("t code AS status OUTPUT text AS reason kind", "",
         {"reason": ("missing", "again"), "kind": ("client", "client")}),
        ("t code AS status", "max_matches = 1", {"text": ("missing",), "kind": ("client",)}),
        ("t code AS status OUTPUTNEW text AS dup", "max_matches = 1", {}),
        ("t code AS status OUTPUT text AS dup", "max_matches = 1", {"dup": ("missing",)}),
        ("t code AS src OUTPUT text AS dup", "", {"dup": ()}),
        ("t code AS src OUTPUTNEW text AS dup", "", {}),
        ("t code AS absent OUTPUT text AS dup", "", {}),
        ("t code AS src OUTPUT text", "min_matches = 1\ndefault_match = none", {"text": ("none",)}),
        ("t code AS status kind AS user OUTPUT text", "", {}),
    ],
)  # fmt: skip
def test_lookups(lookup: str, stanza: str, fields: dict[str, tuple[str, ...]]) -> None:
    assert changed(f"LOOKUP-a = {lookup}", f"{TABLE}{stanza}\n", lookup_codes=CODES) == fields


@pytest.mark.parametrize(
    ("match_type", "table", "value"),
    [
        ("WILDCARD(k)", "k,v\n10.1.*,a\n10.0.*,b\n", ("b",)),
        ("CIDR(k)", "k,v\n192.168.0.0/16,a\n10.0.0.0/8,b\nbroken,c\n", ("b",)),
        ("", "k,v\n10.0.0.*,a\n", None),
    ],
)
def test_wildcards_and_networks(match_type: str, table: str, value: tuple[str, ...] | None) -> None:
    fields = only_fields(
        "LOOKUP-a = t k AS src OUTPUT v", EVENT, f"[t]\nfilename = x.csv\nmatch_type = {match_type}\n", lookup_x=table
    )
    assert fields.get("v") == value


@pytest.mark.parametrize(("sensitive", "value"), [("true", None), ("false", ("1",))])
def test_the_case_of_letters(sensitive: str, value: tuple[str, ...] | None) -> None:
    stanza = f"[t]\nfilename = x.csv\ncase_sensitive_match = {sensitive}\n"
    fields = only_fields("LOOKUP-a = t k AS user OUTPUT v", EVENT, stanza, lookup_x="k,v\nBOB,1\n")
    assert fields.get("v") == value


@pytest.mark.parametrize(
    ("lookup", "stanza", "table", "word"),
    [
        ("t wrong AS user OUTPUT v", "filename = x.csv", "k,v\n1,2\n", "no column wrong"),
        ("t k AS user OUTPUT v", "filename = other.csv", "k,v\n", "no file"),
        ("t k AS user OUTPUT v", "filename = x.csv", "", "no file"),
        ("t k AS user OUTPUT v", "external_cmd = a.py", "k,v\n", "not emulated"),
        ("t k AS user OUTPUT v", "filename = x.csv", "k,v\n1,2,3\n", "more or fewer cells"),
        ("t", "filename = x.csv", "k,v\n", "no match field"),
    ],
)
def test_lookups_that_cannot_be_done_are_problems(lookup: str, stanza: str, table: str, word: str) -> None:
    report = replayed(f"LOOKUP-a = {lookup}", EVENT, f"[t]\n{stanza}\n", lookup_x=table).report
    assert word in " ".join(report.problems)
