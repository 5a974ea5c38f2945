"""Per shape: the regular expression fragment that extracts such a value, and the stricter one that recognises it.

Both are PCRE2 as Splunk runs it. A fragment has no capture group, so it stands inside a named one; each repetition is
bounded or followed by what it cannot match, so a long line costs no more than its length. What recognises may look
ahead to tell a value from its neighbours in form (a hash from a long number); what extracts need not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.addons.generator.shapes.shape import Shape

TRANSPORTS = ("tcp", "udp", "icmp", "icmpv6", "icmp6", "ipv6-icmp", "igmp", "gre", "esp", "ah", "sctp", "ospf", "ipip")
"""Protocols that IP carries (IANA protocol numbers): Splunk's `transport`."""
APPLICATIONS = (
    *("http", "https", "http2", "dns", "ssh", "ftp", "sftp", "smtp", "esmtp", "smtps", "imap", "imaps", "pop3"),
    *("pop3s", "tls", "ssl", "ntp", "dhcp", "snmp", "ldap", "ldaps", "smb", "rdp", "telnet", "sip", "ws", "wss"),
    *("quic", "grpc", "mqtt", "tftp", "krb5", "radius", "syslog", "rtsp", "dtls", "irc", "nfs"),
)
"""Protocols that transports carry (IANA service names): Splunk's `app`."""

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_H = "[0-9A-Fa-f]{1,4}"
_ZONE = r"(?:%[A-Za-z0-9_.-]{1,15})?"
_IPV6_STRICT = (
    "(?:"
    + "|".join(
        (
            rf"(?:{_H}:){{6}}{_IPV4}",
            rf"::(?:{_H}:){{0,5}}{_IPV4}",
            rf"(?:{_H}:){{1,4}}:(?:{_H}:){{0,1}}{_IPV4}",
            rf"(?:{_H}:){{7}}{_H}",
            *(rf"(?:{_H}:){{1,{7 - right}}}(?::{_H}){{1,{right}}}" for right in range(1, 7)),
            rf":(?::{_H}){{1,7}}",
            rf"(?:{_H}:){{1,7}}:",
            "::",
        )
    )
    + ")"
    + _ZONE
)
"""RFC 4291, section 2.2: eight groups, or fewer with one `::`; the last two may be written as IPv4."""
_IPV6 = (
    r"(?=[0-9A-Fa-f:]{0,37}::|(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]|(?:[0-9A-Fa-f]{1,4}:){6}[0-9]{1,3}\.)"
    rf"[0-9A-Fa-f:]{{2,45}}(?:(?:\.[0-9]{{1,3}}){{3}})?{_ZONE}"
)
_PORT = "(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4})"
_MAC_PAIRS = "(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}"
_MAC_QUADS = r"(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}"
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_TOP = "(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9-]{2,59})"
_DOMAIN = rf"(?:{_LABEL}\.){{1,12}}{_TOP}\.?"
_FILE_ENDINGS = (
    "exe|dll|sys|msi|bat|cmd|ps1|vbs|jar|war|class|java|py|pyc|rb|go|rs|cc|cpp|hpp|cs|php|jsp|asp|aspx|js|ts|css|scss"
    "|html|htm|xhtml|xml|json|yaml|yml|toml|ini|conf|cfg|cnf|txt|md|log|csv|tsv|sql|db|tmp|bak|old|lock|pid|sock|service"
    "|socket|timer|zip|gz|tgz|tar|bz|xz|rar|png|jpg|jpeg|gif|svg|ico|bmp|webp|pdf|doc|docx|xls|xlsx|ppt|pptx|mp3|mp4"
    "|avi|mov|woff|ttf|eot|pem|crt|key|csr|lua|pl|sh|so|ko|ps|dat|bin|iso|img|rpm|deb|apk"
)
"""Endings that files have: `cmd.exe` is no host. (`sh`, `pl`, `so`, `rs`, `md` and `zip` are also top-level domains,
but such names stand in logs as files.)"""
_PACKAGE_ROOTS = "com|org|net|io|edu|java|javax|jakarta|sun|scala|kotlin|akka"
_NO_HOST = (
    r"(?!.{254})"
    rf"(?!.*\.(?i:{_FILE_ENDINGS})\.?\z)(?!(?:{_PACKAGE_ROOTS})\.(?!.*\.(?:com|org|net|io|edu|local|lan|[a-z]{{2}})\.?\z)"
    r".*\.)(?!.*\.[A-Z]?[a-z]{1,60}[A-Z])(?!.*[a-z_].*\.[A-Z][A-Za-z]*\.?\z)"
)
"""Neither a file nor a class of a program (`org.apache.Main`): hosts end in letters of one case.

No host is longer than 253 characters (RFC 1035), so looking ahead stays cheap.
"""
_DOMAIN_STRICT = _NO_HOST + _DOMAIN

_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_WEEKDAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
_CLOCK = r"(?:2[0-3]|[01]?[0-9]):[0-5][0-9](?::[0-6][0-9](?:[.,:][0-9]{1,9})?)?"
_OFFSET = r"(?: ?(?:Z|UTC|GMT|[A-Z]{3,4}|[+-][0-9]{2}:?[0-9]{2}))?"
_YEAR = "(?:19|20)[0-9]{2}"
_MONTH_NUMBER = "(?:1[0-2]|0?[1-9])"
_DAY = "(?:3[01]|[12][0-9]|0?[1-9])"
_THEN_CLOCK = rf"(?:(?:T| {{1,2}}|[_,:-] ?){_CLOCK}{_OFFSET})?"
_THEN_HALF_DAY = rf"(?:(?:T|,? {{1,2}}|-){_CLOCK}(?: ?[AP]M)?{_OFFSET})?"
_TIMESTAMP = (
    "(?:"
    + "|".join(
        (
            *(rf"{_YEAR}{sign}{_MONTH_NUMBER}{sign}{_DAY}{_THEN_CLOCK}" for sign in ("-", "/", r"\.")),
            rf"{_YEAR}[01][0-9][0-3][0-9]T[0-2][0-9][0-5][0-9](?:[0-6][0-9](?:[.,][0-9]{{1,9}})?)?(?:Z|[+-][0-9]{{4}})?",
            *(rf"{_DAY}{sign}{_MONTH}{sign}(?:{_YEAR}|[0-9]{{2}}){_THEN_CLOCK}" for sign in ("-", "/", " ")),
            rf"{_DAY}/{_DAY}/(?:{_YEAR}|[0-9]{{2}}){_THEN_HALF_DAY}",
            rf"[0-3][0-9]-[0-3][0-9]-(?:{_YEAR}|[0-9]{{2}}){_THEN_HALF_DAY}",
            rf"[0-3][0-9]\.[01][0-9]\.{_YEAR}{_THEN_HALF_DAY}",
            rf"(?:{_WEEKDAY},? )?{_MONTH} {{1,2}}{_DAY},?(?: {_YEAR},?)? {_CLOCK}(?: ?[AP]M)?{_OFFSET}(?: {_YEAR})?",
            rf"{_MONTH} {{1,2}}{_DAY},? {_YEAR}",
            rf"{_WEEKDAY},? {_DAY} {_MONTH} {_YEAR} {_CLOCK}{_OFFSET}",
        )
    )
    + ")"
)
"""RFC 3339, 3164, 2822, ctime, the access log's, and dates with one sign throughout."""

_UNIT = "(?:ns|us|µs|ms|sec|secs|s|min|mins|m|hours|hour|hrs|h|days|day|d)"
_LONG_UNIT = "(?:nano|micro|milli)?(?:seconds?|secs?)|minutes?|mins?|hours?|hrs?|days?|weeks?"
_DURATION = (
    rf"(?:(?:[0-9]{{1,12}}(?:\.[0-9]{{1,12}})?{_UNIT}){{1,5}}|[0-9]{{1,12}}(?:\.[0-9]{{1,12}})? (?:ms|s|{_LONG_UNIT})"
    r"|(?:[0-9]{1,5}(?:d |d|\.))?[0-9]{1,4}:[0-5][0-9]:[0-5][0-9](?:[.,][0-9]{1,9})?)(?![A-Za-z0-9])"
)
_NUMBER = r"[0-9]{1,24}(?:\.[0-9]{1,12})?"
_BYTES = rf"{_NUMBER} ?(?:[KMGTPE]i?B?|[kmg]b|k?[Bb]ytes?|B)(?![A-Za-z0-9])"
_METHODS = (
    "GET|POST|PUT|DELETE|HEAD|OPTIONS|PATCH|CONNECT|PROPFIND|PROPPATCH|MKCOL|COPY|MOVE|LOCK|UNLOCK|TRACE|REPORT|SEARCH"
    "|PURGE|DEBUG|TRACK|RPC_IN_DATA|RPC_OUT_DATA|BPROPFIND|SUBSCRIBE|PRI"
)
"""RFC 9110, RFC 4918 (WebDAV) and those that proxies and mail servers write."""
_SEVERITIES = (
    "trace|debug[1-5]?|verbose|info|information|informational|notice|warn|warning|err|error|severe|crit|critical|alert"
    "|emerg|emergency|fatal|panic|fine|finer|finest|low|medium|high|very-high"
)
"""RFC 5424's severities, those of logging libraries, and CEF's words."""
_PRODUCTS = (
    "Mozilla|Opera|curl|Wget|python-requests|Python-urllib|Go-http-client|okhttp|Java|Apache-HttpClient|PostmanRuntime"
    "|axios|node-fetch|Dalvik|libwww-perl|Ruby|Microsoft-CryptoAPI|Windows-Update-Agent|kube-probe|ELB-HealthChecker"
)
_AGENT_COMMENT = r"(?:[ +]\([^\"\t\r\n]{1,1900})"
_UNIX_ROOTS = (
    "usr|etc|var|home|opt|tmp|bin|sbin|dev|proc|sys|root|lib|lib64|mnt|srv|run|boot|media|Users|Applications|private"
    "|Library|System|Volumes|snap|nix|data"
)
_PATH_REST = r"[^\s\"'<>|?*:;,]"
_WINDOWS_START = r"(?:[A-Za-z]:[\\/]|\\\\\?\\|\\\?\?\\|\\\\|\\Device\\|\\SystemRoot\\|%[A-Za-z()0-9]{1,40}%\\)"


@dataclass(frozen=True)
class Form:
    """How values of a shape are extracted and, where that is not enough, recognised."""

    extracts: str
    recognises: str = ""


FORMS: Mapping[Shape, Form] = {
    Shape.PLACEHOLDER: Form(
        r"(?:-{1,3}|\?|<nil>|\(empty\)|\(null\)|\(none\)|(?i:unknown|null|<null>|none|nil|n/a|undefined|not available"
        r"|not applicable)|)"
    ),
    Shape.IPV4: Form(_IPV4),
    Shape.IPV6: Form(_IPV6, _IPV6_STRICT),
    Shape.IP: Form(rf"(?:{_IPV4}|{_IPV6})", r"(?!)"),
    Shape.IP_PORT: Form(rf"(?:{_IPV4}|\[{_IPV6}\]):{_PORT}"),
    Shape.HOST_PORT: Form(rf"(?:{_DOMAIN}|{_LABEL}):{_PORT}", rf"(?:{_DOMAIN_STRICT}|localhost):{_PORT}"),
    Shape.MAC: Form(f"(?:{_MAC_PAIRS}|{_MAC_QUADS})", f"(?:{_MAC_PAIRS}|(?=[0-9.]{{0,13}}[A-Fa-f]){_MAC_QUADS})"),
    Shape.TIMESTAMP: Form(_TIMESTAMP),
    Shape.URL: Form(r"[A-Za-z][A-Za-z0-9+.-]{1,24}://[^\s\"<>]{1,4096}"),
    Shape.EMAIL: Form(rf"[A-Za-z0-9._%+=~&!#$'*/^`{{|}}-]{{1,64}}@(?:{_LABEL}\.){{1,12}}{_TOP}"),
    Shape.USER_AT_HOST: Form(
        r"(?:'[^'@\s]{0,80}'@'[^'\s]{1,253}'|[A-Za-z0-9._%+$-]{1,80}(?:\[[A-Za-z0-9._-]{1,80}\])?@[A-Za-z0-9._:%-]{1,253})"
    ),
    Shape.REGISTRY_KEY: Form(
        r"(?:HKEY_[A-Z_]{2,24}|HKLM|HKCU|HKCR|HKU|HKCC|\\REGISTRY|\\Registry)(?:\\[^\t\r\n\"]{0,2000})"
    ),
    Shape.PATH_WINDOWS: Form(rf"{_WINDOWS_START}[^\t\r\n\"<>|*?:]{{1,1000}}"),
    Shape.WINDOWS_ACCOUNT: Form(
        r"(?:NT AUTHORITY|NT SERVICE|Window Manager|Font Driver Host|[A-Za-z0-9._-]{1,64})"
        r"\\(?:NETWORK SERVICE|LOCAL SERVICE|ANONYMOUS LOGON|[^\s\\/:;,*?\"'<>|\[\]]{1,104})"
    ),
    Shape.UUID: Form(r"\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?"),
    Shape.SID: Form("S-1-[0-9]{1,15}(?:-[0-9]{1,10}){1,15}"),
    Shape.EPOCH: Form(r"1[0-9]{9}(?:\.[0-9]{1,9}|[0-9]{9}|[0-9]{6}|[0-9]{3})?"),
    Shape.INTEGER: Form("[0-9]{1,40}"),
    Shape.SIGNED: Form("[+-]?[0-9]{1,40}"),
    Shape.DECIMAL: Form(
        r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{1,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?",
        r"[+-]?[0-9]{0,40}\.[0-9]{1,40}(?:[eE][+-]?[0-9]{1,3})?",
    ),
    Shape.DURATION: Form(_DURATION),
    Shape.BYTES: Form(_BYTES),
    Shape.VERSION: Form(
        r"[vV]?[0-9]{1,8}(?:\.[0-9]{1,8}){1,5}(?:[-+~_.]?[A-Za-z0-9][A-Za-z0-9.+~_-]{0,40})?",
        r"(?:[vV]?[0-9]{1,8}(?:\.[0-9]{1,8}){2,5}|[vV][0-9]{1,8}(?:\.[0-9]{1,8}){1,5})"
        r"(?:(?:[-+~_]|(?:rc|a|b|p|r))[A-Za-z0-9.+~_-]{1,40})?",
    ),
    Shape.HASH_MD5: Form("[0-9A-Fa-f]{32}", "(?=[0-9]{0,31}[A-Fa-f])(?=[A-Fa-f]{0,31}[0-9])[0-9A-Fa-f]{32}"),
    Shape.HASH_SHA1: Form("[0-9A-Fa-f]{40}", "(?=[0-9]{0,39}[A-Fa-f])(?=[A-Fa-f]{0,39}[0-9])[0-9A-Fa-f]{40}"),
    Shape.HASH_SHA256: Form("[0-9A-Fa-f]{64}", "(?=[0-9]{0,63}[A-Fa-f])(?=[A-Fa-f]{0,63}[0-9])[0-9A-Fa-f]{64}"),
    Shape.HASH_SHA512: Form("[0-9A-Fa-f]{128}", "(?=[0-9]{0,99}[A-Fa-f])(?=[A-Fa-f]{0,99}[0-9])[0-9A-Fa-f]{128}"),
    Shape.HEX: Form(
        "(?:0[xX])?[0-9A-Fa-f]{1,512}",
        "(?:0[xX][0-9A-Fa-f]{1,512}|(?=[0-9]{0,99}[A-Fa-f])(?=[A-Fa-f]{0,99}[0-9])(?:[0-9a-f]{6,512}|[0-9A-F]{6,512}))",
    ),
    Shape.SEVERITY: Form(f"(?i:{_SEVERITIES})(?![A-Za-z0-9_])"),
    Shape.HTTP_METHOD: Form(f"(?:{_METHODS})(?![A-Za-z0-9_])"),
    Shape.HTTP_VERSION: Form(r"HTTP/[0-9](?:\.[0-9])?"),
    Shape.TLS_VERSION: Form(r"(?i:TLS|SSL|DTLS)[ _]?[vV]?[0-9](?:[._][0-9])?"),
    Shape.BOOLEAN: Form("(?:(?i:true|false|yes|no|on|off)|[TF])(?![A-Za-z0-9_])"),
    Shape.PROTOCOL: Form(f"(?i:{'|'.join((*TRANSPORTS, *APPLICATIONS))})(?![A-Za-z0-9_])"),
    Shape.MIME_TYPE: Form(
        "(?:application|audio|font|image|message|model|multipart|text|video)/[A-Za-z0-9.+_-]{1,127}"
        "(?:; ?[a-z-]{1,20}=[A-Za-z0-9_-]{1,80})?"
    ),
    Shape.USER_AGENT: Form(
        r"[A-Za-z][^\"\t\r\n]{0,2000}",
        rf"(?:(?:{_PRODUCTS})/[0-9][^\"\t\r\n]{{0,2000}}|[A-Za-z][A-Za-z0-9._-]{{1,60}}/v?[0-9][A-Za-z0-9._-]{{0,40}}"
        rf"{_AGENT_COMMENT})",
    ),
    Shape.PATH_UNIX: Form(rf"/{_PATH_REST}{{0,1000}}", rf"/(?:{_UNIX_ROOTS})(?:/{_PATH_REST}{{0,1000}})?"),
    Shape.URI_PATH: Form(r"/[^\s\"<>]{0,4096}"),
    Shape.DOMAIN_NAME: Form(_DOMAIN, _DOMAIN_STRICT),
    Shape.WORD: Form(r"\S+"),
    Shape.TEXT: Form(".+"),
}
"""In the order in which a value is tried: a value has the first shape that recognises the whole of it."""


def fragment(shape: Shape) -> str:
    """The fragment that extracts a value of the shape: no capture group, no anchor.

    Each value of the shape is matched whole by its fragment, but for a text in several lines, whose first line is.
    Some fragments take a little more than their shape (HEX takes digits alone), as the values of one field vary.
    """
    return FORMS[shape].extracts
