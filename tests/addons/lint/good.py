"""A package in which the lint finds nothing, for tests that put defects into it one by one."""

from app.addons.package.files import Package
from app.addons.package.manifest import app_conf, app_manifest, default_meta

NAME = "TA-acme-vpn"
_ABOUT = (NAME, "Acme VPN", "1.2.0", "Reads the log of the Acme VPN.", "The log team")

PROPS = r"""# Acme VPN
[acme:vpn]
SHOULD_LINEMERGE = false
LINE_BREAKER = ([\r\n]+)(?=\d{4}-)
TRUNCATE = 10000
TIME_PREFIX = ^
TIME_FORMAT = %Y-%m-%dT%H:%M:%S%z
MAX_TIMESTAMP_LOOKAHEAD = 32
TZ = Europe/Vienna
CHARSET = UTF-8
KV_MODE = none
EXTRACT-user = user=(?<user>\S+) from (?<client_ip>\S+)
REPORT-pairs = acme_vpn_pairs, acme_vpn_columns
FIELDALIAS-src = client_ip AS src user AS src_user
EVAL-vendor_product = "Acme VPN"
EVAL-user = coalesce(user, account)
LOOKUP-action = acme_vpn_actions code AS action_code OUTPUTNEW action, severity AS level

[source::.../acme-vpn*.log]
sourcetype = acme:vpn
"""

TRANSFORMS = r"""[acme_vpn_pairs]
REGEX = (\w+)=(\S+)
FORMAT = $1::$2
MV_ADD = true

[acme_vpn_columns]
DELIMS = "|"
FIELDS = "one", "two"

[acme_vpn_actions]
filename = acme_vpn_actions.csv
case_sensitive_match = false
"""

EVENTTYPES = """[acme_vpn_session]
search = sourcetype=acme:vpn (action=login OR action="log|out")
"""

TAGS = """[eventtype=acme_vpn_session]
network = enabled
session = enabled
"""

LOOKUP = "code,action,severity\n1,allowed,low\n2,blocked,high\n"


def good_files() -> dict[str, bytes]:
    """The files of a package in order."""
    return {
        "README.md": b"# Acme VPN\n",
        "app.manifest": app_manifest(*_ABOUT),
        "default/app.conf": app_conf(*_ABOUT),
        "default/eventtypes.conf": EVENTTYPES.encode(),
        "default/props.conf": PROPS.encode(),
        "default/tags.conf": TAGS.encode(),
        "default/transforms.conf": TRANSFORMS.encode(),
        "lookups/acme_vpn_actions.csv": LOOKUP.encode(),
        "metadata/default.meta": default_meta(),
    }


def good_package() -> Package:
    """The package in order."""
    return Package(NAME, good_files())
