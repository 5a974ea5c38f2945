"""Logs of different kinds and the data models, tags, aliases and actions that they get; and logs that get none."""

import re
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.generator.cim.mapping import CimMapping
from app.addons.generator.cim.propose import map_to_cim
from app.addons.generator.shapes.recognition import shape_of
from app.addons.generator.shapes.shape import Shape
from app.addons.regexes import compile_regex
from app.addons.replay.eval.evaluating import Scope, check_functions, evaluate
from app.addons.replay.eval.parsing import parse_expression
from tests.addons.generator.cim import samples
from tests.addons.generator.cim.samples import Log

FUNCTIONS = {
    *("if", "case", "coalesce", "null", "isnull", "isnotnull", "match", "replace", "lower", "upper", "mvindex"),
    *("split", "tonumber", "in"),
}


def mapping_of(log: Log, sourcetype: str = "acme:log") -> CimMapping:
    return map_to_cim(sourcetype, "Acme Gate", log.events, log.texts)


def value_of(expression: str, event: Mapping[str, str], text: str = "") -> object:
    """The expression's value as a replay has it."""
    node = parse_expression(expression)
    check_functions(node)
    return evaluate(node, Scope({name: (value,) for name, value in event.items()}, {"_raw": text, "host": "web01"}))


EXPECTED: list[tuple[str, Log, tuple[str, ...], Mapping[str, tuple[str, ...]], set[tuple[str, str]], set[str]]] = [
    (
        "logins",
        samples.LOGINS,
        ("Authentication",),
        {"acme_log_authentication": ("authentication",)},
        {("src_ip", "src")},
        {"action", "app", "dest", "vendor_product"},
    ),
    (
        "firewall",
        samples.FIREWALL,
        ("Network_Traffic",),
        {"acme_log_traffic": ("network", "communicate")},
        {
            *(("srcip", "src_ip"), ("srcip", "src"), ("spt", "src_port"), ("dstip", "dest_ip"), ("dstip", "dest")),
            *(("dpt", "dest_port"), ("sentbyte", "bytes_out"), ("rcvdbyte", "bytes_in")),
        },
        {"action", "transport", "vendor_product"},
    ),
    (
        "access",
        samples.ACCESS,
        ("Web",),
        {"acme_log_web": ("web",)},
        {
            *(("clientip", "src_ip"), ("clientip", "src"), ("method", "http_method"), ("uri", "uri_path")),
            ("agent", "http_user_agent"),
        },
        {"action", "dest", "http_referrer", "url", "user", "vendor_product"},
    ),
    (
        "proxy",
        samples.PROXY,
        ("Web",),
        {"acme_log_web": ("web", "proxy")},
        {
            *(("c-ip", "src_ip"), ("c-ip", "src"), ("cs-username", "user"), ("cs-method", "http_method")),
            *(("cs-uri", "url"), ("sc-status", "status"), ("sc-bytes", "bytes_out"), ("cs-bytes", "bytes_in")),
        },
        {"action", "dest", "vendor_product"},
    ),
    (
        "ids",
        samples.IDS,
        ("Intrusion_Detection",),
        {"acme_log_attack": ("ids", "attack")},
        {
            *(("src", "src_ip"), ("dst", "dest_ip"), ("dst", "dest"), ("attack", "signature")),
            ("attackid", "signature_id"),
        },
        {"action", "vendor_product"},
    ),
    (
        "dhcp",
        samples.DHCP,
        ("Network_Sessions",),
        {"acme_log_dhcp": ("network", "session", "dhcp")},
        {("ip", "dest_ip"), ("ip", "dest"), ("mac", "dest_mac")},
        {"action", "vendor_product"},
    ),
    (
        "dns",
        samples.DNS,
        ("Network_Resolution",),
        {"acme_log_dns": ("network", "resolution", "dns")},
        {
            *(("client_ip", "src_ip"), ("client_ip", "src"), ("client_port", "src_port"), ("qname", "query")),
            ("qtype", "record_type"),
        },
        {"dest", "vendor_product"},
    ),
    (
        "mail",
        samples.MAIL,
        ("Email",),
        {"acme_log_email": ("email",)},
        {
            *(("from", "src_user"), ("to", "recipient"), ("msgid", "message_id"), ("client_ip", "src_ip")),
            ("client_ip", "src"),
        },
        {"action", "dest", "vendor_product"},
    ),
    (
        "database",
        samples.DATABASE,
        ("Databases",),
        {"acme_log_database": ("database", "query")},
        {("dbuser", "user"), ("client_ip", "src_ip"), ("client_ip", "src"), ("statement", "query")},
        {"dest", "vendor_product"},
    ),
    (
        "processes",
        samples.PROCESSES,
        ("Endpoint",),
        {"acme_log_process": ("process", "report")},
        {
            *(("User", "user"), ("Computer", "dest"), ("Computer", "dest_host"), ("CommandLine", "process")),
            *(("Image", "process_path"), ("ProcessId", "process_id"), ("ParentImage", "parent_process_path")),
        },
        {"action", "parent_process_name", "process_name", "vendor_product"},
    ),
    (
        "antivirus",
        samples.ANTIVIRUS,
        ("Malware",),
        {"acme_log_malware": ("malware", "attack")},
        {("virus", "signature"), ("computer", "dest"), ("computer", "dest_host"), ("action", "vendor_action")},
        {"action", "file_name", "vendor_product"},
    ),
    (
        "vpn",
        samples.VPN,
        ("Authentication", "Network_Sessions"),
        {"acme_log_authentication": ("authentication",), "acme_log_vpn": ("network", "session", "vpn")},
        {("remip", "src_ip"), ("remip", "src"), ("tunnelid", "session_id"), ("action", "vendor_action")},
        {"action", "app", "dest", "vendor_product"},
    ),
    (
        "accounts",
        samples.ACCOUNTS,
        ("Change",),
        {"acme_log_change": ("change",)},
        {("actor", "user")},
        {"action", "dest", "vendor_product"},
    ),
    (
        "files",
        samples.FILES,
        ("Endpoint",),
        {"acme_log_filesystem": ("endpoint", "filesystem")},
        {("path", "file_path"), ("computer", "dest"), ("computer", "dest_host")},
        {"action", "file_name", "vendor_product"},
    ),
    (
        "registry",
        samples.REGISTRY,
        ("Endpoint",),
        {"acme_log_registry": ("endpoint", "registry")},
        {("TargetObject", "registry_path"), ("Computer", "dest"), ("Computer", "dest_host")},
        {"action", "registry_key_name", "vendor_product"},
    ),
    (
        "connections",
        samples.CONNECTIONS,
        ("Network_Traffic",),
        {"acme_log_traffic": ("network", "communicate")},
        {
            *(("id.orig_h", "src_ip"), ("id.orig_h", "src"), ("id.orig_p", "src_port"), ("id.resp_h", "dest_ip")),
            *(
                ("id.resp_h", "dest"),
                ("id.resp_p", "dest_port"),
                ("resp_bytes", "bytes_in"),
                ("orig_bytes", "bytes_out"),
            ),
        },
        {"app", "transport", "vendor_product"},
    ),
    (
        "certificates",
        samples.CERTIFICATES,
        ("Certificates",),
        {"acme_log_certificate": ("certificate",)},
        {
            *(("server_ip", "dest_ip"), ("server_ip", "dest"), ("subject", "ssl_subject"), ("issuer", "ssl_issuer")),
            ("serial", "ssl_serial"),
        },
        {"vendor_product"},
    ),
]


@pytest.mark.parametrize(
    ("log", "models", "tags", "aliases", "evals"), [e[1:] for e in EXPECTED], ids=[e[0] for e in EXPECTED]
)
def test_a_log_gets_its_models(
    log: Log,
    models: tuple[str, ...],
    tags: Mapping[str, tuple[str, ...]],
    aliases: set[tuple[str, str]],
    evals: set[str],
) -> None:
    found = mapping_of(log)
    assert found.models == models
    assert dict(found.tags) == dict(tags)
    assert set(found.aliases) == aliases
    assert {name for name, _ in found.evals} == evals


@pytest.mark.parametrize("name", samples.NOTHING)
def test_a_log_without_evidence_gets_no_model(name: str) -> None:
    found = mapping_of(samples.NOTHING[name])
    assert (found.models, found.eventtypes, found.aliases, found.evals) == ((), (), (), ())
    assert found.notes


def test_the_search_names_the_evidence() -> None:
    searches = {each.name: each.search for each in mapping_of(samples.LOGINS).eventtypes}
    assert searches["acme_log_authentication"].startswith(
        'sourcetype=acme:log ("failed password" OR "accepted password"'
    )


@pytest.mark.parametrize("log", samples.ALL)
def test_what_stands_in_a_mapping_is_sound(log: Log) -> None:
    found = mapping_of(log, 'acme "x" | y `z` [w]')
    for each in found.eventtypes:
        assert not set("|`[]") & set(each.search)
        assert re.fullmatch(r"[a-z0-9_]+", each.name)
        assert found.tags[each.name]
    targets = [target for _, target in found.aliases] + [name for name, _ in found.evals]
    assert len(targets) == len(set(targets))
    own = {name for event in log.events for name in event}
    assert not own & {target for _, target in found.aliases}
    assert own & {name for name, _ in found.evals} <= {"action"}
    for original, _ in found.aliases:
        values = [event[original] for event in log.events if original in event]
        assert all(shape_of(value) is not Shape.PLACEHOLDER for value in values if value), original
    for _, expression in found.evals:
        check_functions(parse_expression(expression))
        outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", expression)
        assert set(re.findall(r"([a-z_]+)\(", outside)) <= FUNCTIONS
        for pattern in re.findall(r'match\([^,]+,"([^"]*)"\)', expression):
            compile_regex(pattern)


def test_a_placeholder_in_some_events_is_an_eval() -> None:
    evals = dict(mapping_of(samples.ACCESS).evals)
    assert [value_of(evals["user"], event) for event in samples.ACCESS.events] == [None, "bob", None]
    assert not any(target == "user" for _, target in mapping_of(samples.ACCESS).aliases)


def test_a_placeholder_in_all_events_is_said_and_not_mapped() -> None:
    found = mapping_of(samples.ACCESS)
    assert any("ident" in note for note in found.notes)
    assert not any(original == "ident" for original, _ in found.aliases)


def test_a_field_of_cims_name_with_another_meaning_stays() -> None:
    log = samples.pairs(
        "srcip=10.0.0.5 dstip=192.0.2.1 dpt=443 spt=9 proto=tcp src_ip=eth0 bytes=few size=9",
        "srcip=10.0.0.6 dstip=192.0.2.2 dpt=23 spt=9 proto=tcp src_ip=eth1 bytes=many size=9",
    )
    found = mapping_of(log)
    assert ("srcip", "src") in found.aliases
    assert not any(target in {"src_ip", "bytes"} for _, target in found.aliases)
    assert any("src_ip" in note for note in found.notes)


def test_a_field_of_several_names_is_the_first_that_says_something() -> None:
    log = samples.pairs(
        "srcip=10.0.0.5 dstip=192.0.2.1 dpt=443 spt=1 proto=tcp",
        "sourceip=10.0.0.6 dstip=192.0.2.2 dpt=23 spt=1 proto=udp",
    )
    assert dict(mapping_of(log).evals)["src"] == "coalesce(srcip,sourceip)"


def test_protocol_numbers_become_names() -> None:
    log = samples.pairs(*(f"srcip=10.0.0.5 dstip=192.0.2.1 dpt=443 spt=1 proto={number}" for number in (6, 17)))
    transport = dict(mapping_of(log).evals)["transport"]
    assert [value_of(transport, event) for event in log.events] == ["tcp", "udp"]


def test_event_codes_alone_are_no_evidence() -> None:
    log = samples.pairs(*(f"EventID={code} TargetUserName=alice IpAddress=10.0.0.5" for code in (4624, 4625)))
    assert mapping_of(log).models == ()


def test_the_product_is_quoted() -> None:
    found = map_to_cim("acme", 'A "B" \\C\n', samples.LOGINS.events, samples.LOGINS.texts)
    assert dict(found.evals)["vendor_product"] == '"A \\"B\\" \\\\C"'


NAMES = st.sampled_from(
    ["src", "dst", "user", "action", "status", "method", "uri", "attack", "event", "a.b", "x'y", "cs(Referer)", ""]
)
VALUES = st.sampled_from(["1.2.3.4", "-", "GET", "/x", "login failed", "200", "deny", 'a"b|c', "tcp", "`m`"]) | st.text(
    max_size=20
)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.dictionaries(NAMES | st.text(max_size=8), VALUES, max_size=8), st.text(max_size=60)), max_size=6
    )
)
def test_any_events_give_a_mapping(rows: list[tuple[dict[str, str], str]]) -> None:
    events = [event for event, _ in rows]
    texts = [text + " ".join(event.values()) for event, text in rows]
    found = map_to_cim("acme", "Acme", events, texts)
    assert found == map_to_cim("acme", "Acme", events, texts)
    assert all(not set("|`[]") & set(each.search) for each in found.eventtypes)
