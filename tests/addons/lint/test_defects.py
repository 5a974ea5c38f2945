"""One defect put into a good package is found with its code, path and line, and the good package has none."""

from dataclasses import dataclass, replace

import pytest

from app.addons.lint.catalogue.table import RULES
from app.addons.lint.findings import Severity
from app.addons.lint.linter import lint
from app.addons.package.files import Package
from tests.addons.lint.good import NAME, good_files, good_package

PROPS, TRANSFORMS = "default/props.conf", "default/transforms.conf"
EVENTTYPES, TAGS = "default/eventtypes.conf", "default/tags.conf"
APP, META, LOOKUP = "default/app.conf", "metadata/default.meta", "lookups/acme_vpn_actions.csv"


@dataclass(frozen=True)
class Defect:
    """`old` in the file becomes `new`; the finding stands where `at` stands in the changed file (None: no line)."""

    code: str
    path: str
    old: str
    new: str
    at: str | None = None


def in_props(code: str, old: str, new: str, at: str | None = None) -> Defect:
    return Defect(code, PROPS, old, new, new if at is None else at)


def in_transforms(code: str, old: str, new: str, at: str | None = None) -> Defect:
    return Defect(code, TRANSFORMS, old, new, new if at is None else at)


DEFECTS = (
    in_props("regex-invalid", "EXTRACT-user = user=(?<user>", "EXTRACT-user = user=((?<user>"),
    in_props("regex-invalid", "TIME_PREFIX = ^", "TIME_PREFIX = [^"),
    in_props("regex-invalid", r"LINE_BREAKER = ([\r\n]+)", r"LINE_BREAKER = ([\r\n]+"),
    in_props("regex-invalid", "TRUNCATE = 10000", "SEDCMD-mask = s/pass(word/x/g"),
    in_props("regex-invalid", "SHOULD_LINEMERGE = false", "BREAK_ONLY_BEFORE = )", "BREAK_ONLY_BEFORE"),
    in_transforms("regex-invalid", r"REGEX = (\w+)=(\S+)", r"REGEX = (\w+)=(\S+"),
    in_props("group-name-illegal", "(?<user>", "(?<user-name>", "EXTRACT-user"),
    in_props("group-name-illegal", "(?<user>", "(?<1user>", "EXTRACT-user"),
    in_props("extract-without-named-group", r"(?<user>\S+) from (?<client_ip>\S+)", r"(\S+)", "EXTRACT-user"),
    in_props("extract-reads-field", "TRUNCATE = 10000", "EXTRACT-room = (?<room>\\d+) in building"),
    in_props("default-field-overwritten", "(?<user>", "(?<source>", "EXTRACT-user"),
    in_props("default-field-overwritten", "EVAL-user", "EVAL-sourcetype"),
    in_props("nested-quantifier", r"user=(?<user>\S+)", r"(?:\w+\s*)+ user=(?<user>\S+)", "EXTRACT-user"),
    in_props("sedcmd-malformed", "TRUNCATE = 10000", "SEDCMD-mask = s/password"),
    in_props("sedcmd-malformed", "TRUNCATE = 10000", "SEDCMD-mask = y/abc/xy/"),
    in_props("line-breaker-without-group", r"([\r\n]+)(?=", r"[\r\n]+(?=", "LINE_BREAKER"),
    in_props("line-breaker-empty-group", r"([\r\n]+)(?=", r"([\r\n]*)(?=", "LINE_BREAKER"),
    in_props("line-merge-on", "SHOULD_LINEMERGE = false", "SHOULD_LINEMERGE = true"),
    in_props("line-merge-on", "SHOULD_LINEMERGE = false\n", "", "LINE_BREAKER"),
    in_props("merge-setting-idle", "TRUNCATE = 10000", "MAX_EVENTS = 500"),
    in_props("event-breaker-idle", "TRUNCATE = 10000", r"EVENT_BREAKER = ([\r\n]+)"),
    in_props("truncate-off", "TRUNCATE = 10000", "TRUNCATE = 0"),
    in_props("time-format-invalid", "TIME_FORMAT = %Y-%m-%dT%H:%M:%S%z", "TIME_FORMAT = %Y-%Q-%J"),
    in_props("time-format-doubtful", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%I:%M:%S%z", "TIME_FORMAT"),
    in_props("lookahead-too-short", "MAX_TIMESTAMP_LOOKAHEAD = 32", "MAX_TIMESTAMP_LOOKAHEAD = 10"),
    in_props("time-settings-idle", "TRUNCATE = 10000", "DATETIME_CONFIG = CURRENT", "TIME_FORMAT"),
    in_props("fields-extracted-twice", "KV_MODE = none", "INDEXED_EXTRACTIONS = json\nKV_MODE = json", "KV_MODE"),
    in_props("fields-extracted-twice", "KV_MODE = none", "INDEXED_EXTRACTIONS = JSON"),
    in_props("index-time-setting", "TRUNCATE = 10000", "SEDCMD-mask = s/a/b/"),
    in_props("misspelt-key", "TIME_PREFIX", "TIMEPREFIX"),
    in_props("misspelt-key", "TIME_PREFIX", "time_prefix"),
    in_props("misspelt-key", "EXTRACT-user", "EXTRACTS-user"),
    in_props("misspelt-key", "SHOULD_LINEMERGE", "SHOULD_LINE_MERGE"),
    in_props("unknown-key", "TRUNCATE = 10000", "VENDOR = Acme"),
    in_props("unknown-key", "TRUNCATE = 10000", "DEST_KEY = queue"),
    in_transforms("unknown-key", "MV_ADD = true", "KV_MODE = none"),
    in_props("not-a-boolean", "SHOULD_LINEMERGE = false", "SHOULD_LINEMERGE = never"),
    in_props("not-an-integer", "TRUNCATE = 10000", "TRUNCATE = 10k"),
    in_props("not-an-integer", "TRUNCATE = 10000", "TRUNCATE = -+5"),
    in_props("unknown-value", "KV_MODE = none", "KV_MODE = jason"),
    in_props("unknown-value", "KV_MODE = none", "INDEXED_EXTRACTIONS = yaml"),
    in_props("unknown-charset", "CHARSET = UTF-8", "CHARSET = UTF-9"),
    in_props("unknown-time-zone", "TZ = Europe/Vienna", "TZ = Europe/Atlantis"),
    in_props("sourcetype-wildcard", "[acme:vpn]", "[acme:vpn*]"),
    in_props("sourcetype-special-characters", "[acme:vpn]", "[acme/vpn]"),
    in_props("stanza-without-name", "[acme:vpn]", "[]"),
    in_props("transform-missing", "acme_vpn_pairs,", "acme_vpn_pears,", "REPORT-pairs"),
    in_props("transform-missing", "LOOKUP-action = acme_vpn_actions", "LOOKUP-action = acme_actions"),
    in_transforms("transform-unused", "[acme_vpn_pairs]", "[other]\nREGEX = (a)\n\n[acme_vpn_pairs]", "[other]"),
    in_transforms("transform-without-regex", 'DELIMS = "|"\nFIELDS = "one", "two"\n', "", "[acme_vpn_columns]"),
    in_transforms("transform-without-groups", r"REGEX = (\w+)=(\S+)", r"REGEX = \w+=\S+", "FORMAT"),
    in_transforms("format-group-missing", "FORMAT = $1::$2", "FORMAT = $1::$3"),
    in_transforms("format-malformed", "FORMAT = $1::$2", "FORMAT = $1=$2"),
    in_transforms("format-malformed", "FORMAT = $1::$2", "FORMAT = name::$1.$2"),
    in_transforms("delims-malformed", 'DELIMS = "|"', "DELIMS = |"),
    in_transforms("regex-beside-delims", 'DELIMS = "|"', 'REGEX = (a)\nDELIMS = "|"', "DELIMS"),
    in_transforms("fields-without-delims", 'DELIMS = "|"', "REGEX = (a)", "FIELDS"),
    in_transforms("unknown-destination", "MV_ADD = true", "DEST_KEY = metadata:host"),
    in_props("alias-malformed", "client_ip AS src user AS src_user", "client_ip = src", "FIELDALIAS-src"),
    in_props("alias-to-itself", "client_ip AS src ", "client_ip AS client_ip ", "FIELDALIAS-src"),
    in_props("alias-loop", "client_ip AS src ", "client_ip AS src src AS client_ip ", "FIELDALIAS-src"),
    in_props("alias-twice", "user AS src_user", "user AS src", "FIELDALIAS-src"),
    in_props("alias-of-placeholder", "client_ip AS src ", "unknown AS src ", "FIELDALIAS-src"),
    in_props("eval-placeholder", 'EVAL-vendor_product = "Acme VPN"', 'EVAL-vendor_product = "-"'),
    in_props("eval-placeholder", "coalesce(user, account)", 'coalesce(user, "unknown")', "EVAL-user"),
    in_props("eval-placeholder", "coalesce(user, account)", 'if(isnull(user), "null", user)', "EVAL-user"),
    in_props("eval-invalid", "coalesce(user, account)", "coalesce(user, account", "EVAL-user"),
    in_props("lookup-malformed", " OUTPUTNEW action, severity AS level", " OUTPUTNEW", "LOOKUP-action"),
    in_props("lookup-column-missing", "severity AS level", "weight AS level", "LOOKUP-action"),
    in_transforms("lookup-file-missing", "filename = acme_vpn_actions.csv", "filename = actions.csv"),
    in_transforms("lookup-path", "filename = acme", "filename = lookups/acme", "filename"),
    in_transforms("external-lookup", "filename = acme_vpn_actions.csv", "external_cmd = look.py code action"),
    in_transforms("collection-missing", "filename = acme_vpn_actions.csv", "external_type = kvstore", "[acme_vpn_act"),
    Defect("lookup-ragged", LOOKUP, "2,blocked,high", "2,blocked", "2,blocked"),
    Defect("lookup-ragged", LOOKUP, "2,blocked,high", '2,"blocked,high', '2,"'),
    Defect("lookup-without-header", LOOKUP, "code,action,severity\n", "", "1,allowed"),
    Defect("lookup-without-header", LOOKUP, "code,action,", "code,,", "code"),
    Defect("lookup-duplicate-column", LOOKUP, "code,action,severity", "code,action,action", "code"),
    Defect("lookup-empty", LOOKUP, "1,allowed,low\n2,blocked,high\n", "", "code"),
    Defect("eventtype-pipe", EVENTTYPES, '"log|out")', '"log|out") | stats count', "search"),
    Defect("eventtype-subsearch", EVENTTYPES, "action=login OR", "[search a] OR", "search"),
    Defect("eventtype-macro", EVENTTYPES, "action=login OR", "`logins` OR", "search"),
    Defect("eventtype-unbalanced", EVENTTYPES, '"log|out")', '"log|out"', "search"),
    Defect("eventtype-without-search", EVENTTYPES, "search = sourcetype", "description = sourcetype", "[acme"),
    Defect("eventtype-too-wide", EVENTTYPES, 'sourcetype=acme:vpn (action=login OR action="log|out")', "*", "search"),
    Defect("eventtype-unknown-sourcetype", EVENTTYPES, "sourcetype=acme:vpn", "sourcetype=acme:other", "search"),
    Defect("tag-without-field", TAGS, "[eventtype=acme_vpn_session]", "[acme_vpn_session]", "[acme"),
    Defect("tag-eventtype-missing", TAGS, "acme_vpn_session", "acme_vpn_sessions", "[eventtype"),
    Defect("tag-value", TAGS, "network = enabled", "network = true", "network"),
    Defect("app-conf-incomplete", APP, "label = Acme VPN\n", ""),
    Defect("name-disagrees", APP, f"id = {NAME}", "id = TA-other", "id = TA-other"),
    Defect("name-disagrees", "app.manifest", f'"name": "{NAME}"', '"name": "TA-other"'),
    Defect("version-disagrees", "app.manifest", '"version": "1.2.0"', '"version": "1.2.1"'),
    Defect("version-disagrees", APP, "\nversion = 1.2.0\n\n[pack", "\nversion = 1.3.0\n\n[pack", "version = 1.2"),
    Defect("version-invalid", "app.manifest", '"version": "1.2.0"', '"version": "1.2"'),
    Defect("app-is-configured", APP, "is_configured = 0", "is_configured = true", "is_configured"),
    Defect("app-visible", APP, "is_visible = 0", "is_visible = 1", "is_visible"),
    Defect("manifest-invalid", "app.manifest", "{", "["),
    Defect("manifest-invalid", "app.manifest", '"schemaVersion": "2.0.0"', '"schemaVersion": "1.0.0"'),
    Defect("meta-not-exported", META, "export = system", "export = none", "[]"),
    Defect("meta-without-writers", META, "write : [ admin, sc_admin ]", "write : [ * ]", "[]"),
    in_props("duplicate-stanza", "[source::", "[acme:vpn]\nTRUNCATE = 5\n\n[source::", "[acme:vpn]\nTRUNCATE = 5"),
    in_props("duplicate-key", "KV_MODE = none", "TRUNCATE = 20000"),
    in_props("not-a-setting", "TRUNCATE = 10000", "TRUNCATE 10000"),
    in_props("stanza-not-closed", "[source::.../acme-vpn*.log]", "[source::.../acme-vpn*.log"),
    in_props("setting-outside-stanza", "# Acme VPN", "KV_MODE = none"),
    in_props("broken-continuation", "coalesce(user, account)", "coalesce(user, \\ \n account)", "EVAL-user"),
    Defect("byte-order-mark", PROPS, "# Acme", "\ufeff# Acme", "\ufeff# Acme"),
)  # fmt: skip


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: f"{defect.code}: {defect.new[:40]!r}")
def test_a_defect_is_found_with_its_code_path_and_line(defect: Defect) -> None:
    files = good_files()
    text = files[defect.path].decode()
    assert defect.old in text
    changed = text.replace(defect.old, defect.new, 1)
    files[defect.path] = changed.encode()

    findings = [each for each in lint(Package(NAME, files)) if each.code == defect.code and each.path == defect.path]

    line = None if defect.at is None else changed[: changed.index(defect.at)].count("\n") + 1
    assert line in {each.line for each in findings}, lint(Package(NAME, files))
    assert all(each.message and each.example for each in findings)


def test_nothing_is_found_in_the_good_package() -> None:
    assert lint(good_package()) == ()


REMOVED = (
    ("app-conf-missing", APP),
    ("meta-missing", META),
    ("manifest-missing", "app.manifest"),
    ("readme-missing", "README.md"),
    ("lookup-file-missing", LOOKUP),
    ("tag-eventtype-missing", EVENTTYPES),
    ("transform-missing", TRANSFORMS),
)


@pytest.mark.parametrize(("code", "path"), REMOVED)
def test_a_missing_file_is_found(code: str, path: str) -> None:
    files = good_files()
    del files[path]
    assert code in {each.code for each in lint(Package(NAME, files))}


ADDED = (
    ("local-content", "local/props.conf", b"[acme:vpn]\nTRUNCATE = 20000\n"),
    ("local-content", "metadata/local.meta", b"[]\nexport = system\n"),
    ("program", "bin/collect.py", b"print()\n"),
    ("program", "lookups/tool", b"\x7fELF\x02\x01"),
    ("file-name-space", "default/data/my file.txt", b""),
    ("hidden-file", "default/.props.conf.swp", b""),
    ("conf-not-read", "props.conf", b"[a]\n"),
    ("not-utf-8", "default/macros.conf", b"[a]\ndefinition = \xe4\n"),
    ("lookup-file-unused", "lookups/other.csv", b"a,b\n1,2\n"),
    ("input-enabled", "default/inputs.conf", b"[monitor:///var/log/acme]\nsourcetype = acme:vpn\n"),
    ("search-scheduled", "default/savedsearches.conf", b"[a]\nenableSched = 1\nsearch = index=a\n"),
    ("secret", "default/acme.conf", b"[a]\napi_key = 4f6Gh2Zk9\n"),
    ("secret", "default/inputs.conf", b"[http://a]\ndisabled = 1\ntoken = 0b1c2d3e-4f50\n"),
    ("secret", "README/key.txt", b"-----BEGIN RSA PRIVATE KEY-----\nMII\n"),
    ("secret", "default/acme.conf", b"[a]\nurl = https://bob:hunter22@example.com/\n"),
    ("value-too-long", "default/macros.conf", b"[a]\ndefinition = " + b"x" * 40_000),
    ("conf-too-large", "default/macros.conf", b"[a]\n" + b"".join(b"k%d=\n" % n for n in range(10_000))),
    ("conf-too-large", "default/macros.conf", b"[a]\n" + b"#" * (4 * 1024 * 1024)),
)


@pytest.mark.parametrize(("code", "path", "content"), ADDED)
def test_a_file_that_should_not_be_there_is_found(code: str, path: str, content: bytes) -> None:
    findings = lint(Package(NAME, {**good_files(), path: content}))
    assert (code, path) in {(each.code, each.path) for each in findings}


def test_an_index_time_transform_without_a_target_is_found() -> None:
    files = good_files()
    files[PROPS] += b"\n[acme:other]\nTRANSFORMS-host = acme_host, acme_drop\n"
    files[TRANSFORMS] += b"\n[acme_host]\nREGEX = host=(\\S+)\n\n[acme_drop]\nREGEX = x\nFORMAT = nullQueue\n"
    findings = [each for each in lint(Package(NAME, files)) if each.code == "transform-without-target"]
    assert [each.stanza for each in findings] == ["acme_host", "acme_drop"]


def test_a_lookup_that_nothing_names_is_noted() -> None:
    files = good_files()
    files[PROPS] = files[PROPS].replace(b"LOOKUP-action", b"# LOOKUP-action")
    notes = [each for each in lint(Package(NAME, files)) if each.code == "lookup-unused"]
    assert [each.severity for each in notes] == [Severity.NOTE]


def test_a_folder_that_splunk_refuses_is_found() -> None:
    assert "name-invalid" in {each.code for each in lint(replace(good_package(), name="9lives"))}


def test_every_rule_is_shown_by_a_defect() -> None:
    shown = {each.code for each in DEFECTS} | {each[0] for each in (*REMOVED, *ADDED)}
    shown |= {"transform-without-target", "lookup-unused", "name-invalid"}
    assert RULES.keys() - shown == set()


def test_a_misspelt_key_names_the_right_one() -> None:
    files = good_files()
    files[PROPS] = files[PROPS].replace(b"TIME_PREFIX", b"TIMEPREFIX")
    finding = next(each for each in lint(Package(NAME, files)) if each.code == "misspelt-key")
    assert "TIME_PREFIX" in finding.message
    assert finding.severity is Severity.ERROR
