"""Actions: the vendor's words for an outcome become CIM's, each kind of events by its own words."""

import pytest

from tests.addons.generator.cim import samples
from tests.addons.generator.cim.samples import Log
from tests.addons.generator.cim.test_propose import mapping_of, value_of


@pytest.mark.parametrize(
    ("log", "actions"),
    [
        (samples.LOGINS, ["failure", "failure", "success", None]),
        (samples.ACCESS, ["success", "success", "failure"]),
        (samples.PROXY, ["allowed", "blocked", "allowed"]),
        (samples.VPN, ["started", "ended", "failure"]),
        (samples.FIREWALL, ["allowed", "blocked", "allowed"]),
        (samples.IDS, ["blocked", "allowed"]),
        (samples.DHCP, ["started", None, "ended"]),
        (samples.MAIL, ["delivered", "blocked"]),
        (samples.PROCESSES, ["allowed", "allowed"]),
        (samples.ANTIVIRUS, ["blocked", "blocked"]),
        (samples.ACCOUNTS, ["created", "modified", "deleted"]),
        (samples.FILES, ["created", "deleted"]),
        (samples.REGISTRY, ["modified", "created"]),
    ],
)
def test_actions_are_normalised(log: Log, actions: list[str | None]) -> None:
    expression = dict(mapping_of(log).evals)["action"]
    assert [value_of(expression, event, text) for event, text in zip(log.events, log.texts, strict=True)] == actions


def test_names_are_made_of_paths() -> None:
    event, text = samples.PROCESSES.events[0], samples.PROCESSES.texts[0]
    evals = dict(mapping_of(samples.PROCESSES).evals)
    assert value_of(evals["process_name"], event, text) == "cmd.exe"
    assert value_of(evals["parent_process_name"], event, text) == "explorer.exe"


def test_urls_are_made_of_path_and_query() -> None:
    log = samples.columns(
        "c-ip cs-method cs-uri-stem cs-uri-query sc-status", "10.0.0.1 GET /a x=1 200", "10.0.0.2 GET /b - 200"
    )
    url = dict(mapping_of(log).evals)["url"]
    assert [value_of(url, event) for event in log.events] == ["/a?x=1", "/b"]


def test_missing_required_fields_are_noted() -> None:
    assert any(
        note.startswith("Network_Traffic") and "action" in note for note in mapping_of(samples.CONNECTIONS).notes
    )


def test_events_of_no_kind_keep_their_own_action() -> None:
    log = samples.pairs(
        'msg="login failed" user=alice action=stop srcip=10.0.0.1', 'msg="disk failed" action=retry unit=sda'
    )
    action = dict(mapping_of(log).evals)["action"]
    assert [value_of(action, event, text) for event, text in zip(log.events, log.texts, strict=True)] == [
        "failure",
        "retry",
    ]


def test_logons_are_known_by_their_fields() -> None:
    log = samples.pairs(
        "EventID=1 LogonType=3 TargetUserName=alice AuthenticationPackageName=NTLM IpAddress=10.0.0.1",
        "EventID=2 LogonType=3 TargetUserName=bob AuthenticationPackageName=NTLM IpAddress=10.0.0.2 FailureReason=%%23",
    )
    found = mapping_of(log)
    assert found.models == ("Authentication",)
    action = dict(found.evals)["action"]
    assert [value_of(action, event) for event in log.events] == ["success", "failure"]


def test_a_name_that_every_event_has_makes_no_attack_of_traffic() -> None:
    traffic = "signature=deny severity=3 src=10.0.0.5 spt=4 dst=192.0.2.1 dpt=443 proto=tcp act=deny"
    attack = "signature=overflow severity=9 cat=intrusion src=10.0.0.5 spt=4 dst=192.0.2.1 dpt=80 proto=tcp act=drop"
    assert mapping_of(samples.pairs(traffic, traffic)).models == ("Network_Traffic",)
    assert mapping_of(samples.pairs(attack, attack)).models == ("Intrusion_Detection",)
    assert mapping_of(samples.pairs(traffic, attack)).models == ("Intrusion_Detection", "Network_Traffic")


def test_a_query_is_no_mere_connection() -> None:
    query = "id.orig_h=10.0.0.5 id.orig_p=5 id.resp_h=10.0.0.1 id.resp_p=53 proto=udp query=www.example.com qtype=A"
    assert mapping_of(samples.pairs(query, query)).models == ("Network_Resolution",)
