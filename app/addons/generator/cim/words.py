"""Words that are evidence for a kind of events, and words that say how an event ended.

Phrases are what servers, firewalls, operating systems and products write in plain English; one family holds those that
the same sources write. Lower case; the words of an outcome are alternatives of a regular expression.
"""


def _families(*lists: str) -> tuple[tuple[str, ...], ...]:
    """Each list's phrases, which semicolons part."""
    return tuple(tuple(each.split("; ")) for each in lists)


AUTHENTICATION_PHRASES = _families(
    "failed password; accepted password; accepted publickey; invalid user; failed publickey; failed none",
    "authentication failure; authentication failed; authentication failures; authentication error",
    "authentication succeeded; authentication successful; authentication success; successfully authenticated",
    "authentication attempt; unsuccessful authentication; successful authentication",
    "login failed; login failure; failed login; login fail; login successful; login succeeded; login success",
    "failed to login; failed to log in; successful login; logged in; login attempt",
    "logon failure; logon failed; failed to log on; successfully logged on; logon success; logged on",
    "access denied for user; password check failed; login incorrect; wrong password; invalid password",
    "bad password; invalid credentials; incorrect password; password mismatch; password authentication failed",
    "signed in; sign in failed; signin failed; failed sign in",
)
VPN_PHRASES = _families(
    "tunnel up; tunnel down; tunnel-up; tunnel-down; tunnel established; tunnel closed; ssl tunnel",
    "vpn session started; vpn session ended; vpn connected; vpn disconnected; vpn session; vpn tunnel",
    "webvpn; anyconnect; svc connection; vpn client; vpn gateway",
    "vpn login; vpn logout; vpn connection; openvpn; peer connection initiated",
)
DHCP_PHRASES = _families(
    "dhcpdiscover; dhcpoffer; dhcprequest; dhcpack; dhcpnak; dhcprelease; dhcpinform; dhcpdecline",
    "dhcp lease; lease granted; lease renewed; lease expired; dhcp request; dhcp ack; lease released",
)
DNS_PHRASES = _families("query; queries; client query; dns; qtype; qtype_name; rrtype; rcode; nxdomain; noerror")
ATTACK_PHRASES = _families(
    "intrusion; ids; ips; intrusion detection; intrusion prevention; attack; exploit",
    "alert; threat; classification; priority",
)
MALWARE_PHRASES = _families(
    "virus; malware; trojan; infected; quarantined; quarantine; virus found; ransomware; spyware"
)
EMAIL_PHRASES = _families(
    "smtp; esmtp; mail; message-id; rcpt; relay; noqueue; helo; sasl; mailer; smtpd; lmtp",
    "from; sender; recipient; mail from; rcpt to; delivered; mailfrom; rcptto",
)
PROCESS_PHRASES = _families(
    "process create; process created; process creation; process started; new process; processcreate",
    "execve; commandline; command line; process start; newprocessname; parentprocessid; ppid",
)
FILESYSTEM_PHRASES = _families(
    "file created; file deleted; file create; file delete; file modified; file renamed; file changed",
    "filecreate; filedelete; file added; file removed; integrity checksum changed; file rename",
)
SERVICE_PHRASES = _families(
    "service entered the; service was installed; service started; service stopped; service state change"
)
CHANGE_PHRASES = _families(
    "account was created; account was deleted; account was changed; account was enabled; account was disabled",
    "user created; user deleted; user added; user removed; user modified; new user; delete user",
    "group created; group deleted; group added; new group; member was added; member was removed",
    "password changed; password reset; password was changed; role assigned; role removed; policy changed",
    "configuration changed; configuration modified; config changed; settings changed; configuration updated",
)
UPDATE_PHRASES = _families(
    "update installed; installed update; installation successful; successfully installed the following update"
)
ALERT_PHRASES = _families("alert; alerting; alarm; alertname")
_BLOCKED = (
    *("block", "blocked", "deny", "denied", "drop", "dropped", "reject", "rejected", "discard", "discarded"),
    *("prevented", "refused", "reset", "quarantined"),
)
_ALLOWED = (
    *("allow", "allowed", "accept", "accepted", "permit", "permitted", "pass", "passed", "forward", "forwarded"),
    *("built", "trust", "observed"),
)

Outcomes = tuple[tuple[str, tuple[str, ...]], ...]
"""CIM's actions, each with the words that say so; the first one whose words stand in the event holds."""

AUTHENTICATION_OUTCOMES: Outcomes = (
    (
        "failure",
        (
            *("fail", "failed", "failure", "failures", "fails", "invalid", "denied", "deny", "reject", "rejected"),
            *("incorrect", "unsuccessful", "bad", "wrong", "locked", "refused", "mismatch", "error", "unauthorized"),
            *("unauthorised", "not found", "blocked", "disconnected by", "disconnected from invalid user"),
        ),
    ),
    (
        "success",
        (
            *("success", "successful", "successfully", "succeeded", "succeed", "succ", "accepted", "accept", "granted"),
            *("logged in", "logged on", "login", "logon", "ok", "allowed", "allow", "authenticated", "signed in"),
            *("approved", "yes", "true"),
        ),
    ),
)
VPN_OUTCOMES: Outcomes = (
    ("blocked", ("fail", "failed", "denied", "rejected")),
    (
        "ended",
        (
            *("logout", "logoff", "disconnect", "disconnected", "closed", "terminated", "down", "ended", "end", "stop"),
            *("stopped", "release", "released", "timeout"),
        ),
    ),
    (
        "started",
        (
            *("login", "logon", "connect", "connected", "established", "up", "started", "start", "assigned"),
            *("initiated", "succeeded", "opened"),
        ),
    ),
)
DHCP_OUTCOMES: Outcomes = (
    ("blocked", ("dhcpnak", "dhcpdecline", "nak", "denied")),
    ("ended", ("dhcprelease", "release", "released", "expired", "deleted")),
    ("started", ("dhcpack", "ack", "assign", "assigned", "granted", "renew", "renewed", "new")),
)
WEB_OUTCOMES: Outcomes = (("blocked", _BLOCKED), ("allowed", _ALLOWED))
ATTACK_OUTCOMES: Outcomes = (("blocked", _BLOCKED), ("allowed", (*_ALLOWED, "alert", "detected")))
MALWARE_OUTCOMES: Outcomes = (
    ("blocked", (*_BLOCKED, "clean", "cleaned", "delete", "deleted", "removed", "quarantine", "repaired")),
    ("deferred", ("deferred", "pending", "reboot required")),
    ("allowed", (*_ALLOWED, "ignored", "left alone", "skipped", "detected")),
)
TRAFFIC_OUTCOMES: Outcomes = (
    ("blocked", _BLOCKED),
    ("allowed", (*_ALLOWED, "close", "closed", "start", "end", "timeout", "teardown")),
)
EMAIL_OUTCOMES: Outcomes = (
    ("blocked", (*_BLOCKED, "spam", "bounced", "bounce")),
    ("quarantined", ("quarantine", "quarantined")),
    ("delivered", ("delivered", "sent", "accepted", "relayed", "queued as", "passed", "clean")),
)
PROCESS_OUTCOMES: Outcomes = (
    ("blocked", ("blocked", "denied", "prevented")),
    ("allowed", ("allowed", "yes", "success", "created", "create", "started")),
)
FILESYSTEM_OUTCOMES: Outcomes = (
    ("created", ("create", "created", "added", "filecreate", "new")),
    ("deleted", ("delete", "deleted", "removed", "filedelete")),
    ("modified", ("modify", "modified", "change", "changed", "rename", "renamed", "write", "written")),
)
REGISTRY_OUTCOMES: Outcomes = (
    ("created", ("create", "created", "createkey", "added")),
    ("deleted", ("delete", "deleted", "deletevalue", "deletekey", "removed")),
    ("modified", ("set", "setvalue", "modified", "changed", "rename", "renamed")),
)
CHANGE_OUTCOMES: Outcomes = (
    ("created", ("create", "created", "add", "added", "new", "assigned", "assign", "granted")),
    ("deleted", ("delete", "deleted", "remove", "removed", "removal", "revoked")),
    (
        "modified",
        (
            *("change", "changed", "modify", "modified", "update", "updated", "reset", "set", "enabled", "disabled"),
            *("renamed", "unlocked", "edit"),
        ),
    ),
)
