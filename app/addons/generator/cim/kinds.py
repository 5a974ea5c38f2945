"""Kinds of events: which data model a kind belongs to and what is evidence for the kind.

An event is of a kind if its words or the class that its fields name say so, and the fields that the model lives on
stand in the event. Event codes alone are no evidence: a number means something else with each vendor. Tags are those
of Splunk's Common Information Model 6 ("Tags used with ... event datasets").
"""

from dataclasses import dataclass

from app.addons.generator.cim import words


@dataclass(frozen=True)
class Kind:
    """A kind of events.

    `families` are sets of phrases, any of which is evidence; an event type names the whole family, since a source that
    writes one phrase writes the others too. `classes` is an expression for the values of fields that name a class.
    With neither, the fields alone are the evidence. `needs` are sets of roles: one of each set must stand in the event.
    `without` are roles that belong to another kind. `share` of the events with the words must have the fields.
    `fields` are the roles and CIM fields to map; `outcomes` the actions, each with its words, in order.
    """

    name: str
    model: str
    tags: tuple[str, ...]
    needs: tuple[tuple[str, ...], ...]
    fields: tuple[str, ...]
    families: tuple[tuple[str, ...], ...] = ()
    classes: str = ""
    without: tuple[str, ...] = ()
    share: float = 0.3
    outcomes: words.Outcomes = ()


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _needs(text: str) -> tuple[tuple[str, ...], ...]:
    """`a|b; c` needs a or b, and c."""
    return tuple(tuple(each.split("|")) for each in text.split("; "))


ENDPOINTS = _names("src src_ip src_port src_host src_mac dest dest_ip dest_port dest_host dest_mac")
_LOGIN_OUTCOMES = "(?:failed|failure|success|succeeded|attempt)"
LOGIN_CLASSES = f"(?:log[- ]?in|log[- ]?on|sign[- ]?in|user authentication|authentication {_LOGIN_OUTCOMES})"
_ACCOUNTS = "(?:account|user|group|member|role|password|policy|permission|service principal|admin|rule|configuration)"
_DONE = "(?:created|deleted|removed|added|changed|modified|updated|enabled|disabled|reset|assigned|renamed|unlocked)"
_DOING = "(?:add|create|delete|remove|update|change|modify|reset|assign)"
CHANGE_CLASSES = rf"(?:{_ACCOUNTS}[a-z ]{{0,40}} {_DONE}|{_DOING} [a-z ]{{0,40}}{_ACCOUNTS})"

KINDS: tuple[Kind, ...] = (
    Kind(
        "authentication",
        "Authentication",
        ("authentication",),
        needs=_needs("user|src_ip|src_host"),
        fields=(*_names("action app user src_user"), *ENDPOINTS, *_names("reason signature")),
        families=words.AUTHENTICATION_PHRASES,
        classes=LOGIN_CLASSES,
        outcomes=words.AUTHENTICATION_OUTCOMES,
    ),
    Kind(
        "logon",
        "Authentication",
        ("authentication",),
        needs=_needs("logon_type; user; authentication_package"),
        fields=(*_names("action app user src_user"), *ENDPOINTS, *_names("reason logon_type")),
    ),
    Kind(
        "vpn",
        "Network_Sessions",
        ("network", "session", "vpn"),
        needs=_needs("user|src_ip"),
        fields=(*_names("action user"), *ENDPOINTS, *_names("duration bytes_in bytes_out session_id reason")),
        families=words.VPN_PHRASES,
        classes="(?:tunnel[- ](?:up|down|start|stop)|vpn[- ](?:connect|disconnect|session)|ssl[- ]vpn[- ]session)",
        outcomes=words.VPN_OUTCOMES,
    ),
    Kind(
        "dhcp",
        "Network_Sessions",
        ("network", "session", "dhcp"),
        needs=_needs("src_mac|dest_mac|src_ip|dest_ip"),
        fields=(*_names("action user"), *ENDPOINTS, *_names("duration signature")),
        families=words.DHCP_PHRASES,
        outcomes=words.DHCP_OUTCOMES,
    ),
    Kind(
        "web",
        "Web",
        ("web",),
        needs=_needs("http_method; url|uri_path; status|vendor_action|http_version|http_user_agent|http_content_type"),
        fields=(
            *_names("action user"),
            *ENDPOINTS,
            *_names(
                "status http_method url uri_path uri_query http_user_agent http_referrer http_content_type site bytes"
                " bytes_in bytes_out duration category"
            ),
        ),
        without=("signature",),
        outcomes=words.WEB_OUTCOMES,
    ),
    Kind(
        "dns",
        "Network_Resolution",
        ("network", "resolution", "dns"),
        needs=_needs("query; record_type|reply_code|answer|src_ip"),
        fields=(*ENDPOINTS, *_names("query record_type reply_code answer transport")),
        families=words.DNS_PHRASES,
        without=_names("http_method recipient"),
        share=0.5,
    ),
    Kind(
        "attack",
        "Intrusion_Detection",
        ("ids", "attack"),
        needs=_needs("signature; src_ip|src_host|dest_ip|dest_host; signature_id|severity|category|vendor_action"),
        fields=(*_names("action user"), *ENDPOINTS, *_names("signature signature_id category severity transport dvc")),
        families=words.ATTACK_PHRASES,
        without=_names("file_path file_hash"),
        share=0.05,
        outcomes=words.ATTACK_OUTCOMES,
    ),
    Kind(
        "malware",
        "Malware",
        ("malware", "attack"),
        needs=_needs("signature; file_path|file_name|file_hash"),
        fields=(
            *_names("action user"),
            *ENDPOINTS,
            *_names("signature signature_id category severity file_path file_name file_hash dvc"),
        ),
        families=words.MALWARE_PHRASES,
        outcomes=words.MALWARE_OUTCOMES,
    ),
    Kind(
        "traffic",
        "Network_Traffic",
        ("network", "communicate"),
        needs=_needs("src_ip; dest_ip; transport|dest_port; transport|src_port|vendor_action"),
        fields=(
            *_names("action user"),
            *ENDPOINTS,
            *_names(
                "transport app bytes bytes_in bytes_out packets_in packets_out"
                " duration src_interface dest_interface src_translated_ip dest_translated_ip dvc session_id"
            ),
        ),
        without=_names("http_method signature query recipient"),
        outcomes=words.TRAFFIC_OUTCOMES,
    ),
    Kind(
        "email",
        "Email",
        ("email",),
        needs=_needs("sender|recipient; recipient|message_id|src_ip|sender"),
        fields=(*_names("action src_user recipient message_id subject"), *ENDPOINTS, *_names("size reason")),
        families=words.EMAIL_PHRASES,
        outcomes=words.EMAIL_OUTCOMES,
    ),
    Kind(
        "database",
        "Databases",
        ("database", "query"),
        needs=_needs("sql; user|database|src_ip"),
        fields=(*_names("user"), *ENDPOINTS, *_names("query object duration vendor_action")),
    ),
    Kind(
        "process",
        "Endpoint",
        ("process", "report"),
        needs=_needs("process_path|process; process_id|user; process|parent_process_path|parent_process_id"),
        fields=_names(
            "action user dest dest_host process process_path process_name process_id parent_process_name"
            " parent_process parent_process_path parent_process_id file_hash"
        ),
        families=words.PROCESS_PHRASES,
        without=_names("http_method registry_path"),
        outcomes=words.PROCESS_OUTCOMES,
    ),
    Kind(
        "filesystem",
        "Endpoint",
        ("endpoint", "filesystem"),
        needs=_needs("file_path"),
        fields=_names("action user dest dest_host file_path file_name file_hash process_id process_path"),
        families=words.FILESYSTEM_PHRASES,
        without=_names("signature http_method"),
        outcomes=words.FILESYSTEM_OUTCOMES,
    ),
    Kind(
        "registry",
        "Endpoint",
        ("endpoint", "registry"),
        needs=_needs("registry_path"),
        fields=_names("action user dest dest_host registry_path registry_key_name process_id process_path"),
        without=_names("http_method"),
        outcomes=words.REGISTRY_OUTCOMES,
    ),
    Kind(
        "service",
        "Endpoint",
        ("service", "report"),
        needs=_needs("service_name"),
        fields=_names("action user dest dest_host service service_name status"),
        families=words.SERVICE_PHRASES,
    ),
    Kind(
        "change",
        "Change",
        ("change",),
        needs=_needs("user|object|src_user"),
        fields=(*_names("action user src_user object"), *ENDPOINTS, *_names("status reason dvc")),
        families=words.CHANGE_PHRASES,
        classes=CHANGE_CLASSES,
        outcomes=words.CHANGE_OUTCOMES,
    ),
    Kind(
        "update",
        "Updates",
        ("update", "status"),
        needs=_needs("dest_host|object|signature|vendor_action|status|user"),
        fields=_names("dest dest_host signature signature_id status user vendor_action"),
        families=words.UPDATE_PHRASES,
    ),
    Kind(
        "certificate",
        "Certificates",
        ("certificate",),
        needs=_needs("ssl_issuer; ssl_subject; ssl_serial|dest_ip|dest_host|site"),
        fields=(*ENDPOINTS, *_names("ssl_subject ssl_issuer ssl_serial")),
    ),
    Kind(
        "alert",
        "Alerts",
        ("alert",),
        needs=_needs("signature; severity"),
        fields=(*_names("app user"), *ENDPOINTS, *_names("signature signature_id severity category type")),
        families=words.ALERT_PHRASES,
        without=_names("src_ip dest_ip file_path file_hash"),
    ),
)
"""In the order of their event types; the first kind with an outcome for an event gives the action."""
