"""Which parameters the URL of a target may carry. Pure.

apprise's services read more from a URL than where a message goes: some name files of this machine, whose content they
would send on, or say how long the sender waits. So a target has what its service needs to reach somebody, by name, and
nothing else; a test walks all of apprise's services, and fails for a parameter that a newer version adds.
"""

from typing import Final

from apprise.utils.parse import parse_qsd

FILES: Final = frozenset(
    {
        "attach", "attach-as", "cache", "file_url", "keyfile", "pgp", "pgpprv", "pgppub", "store", "subfile",
        "template", "wkd",
    }
)  # fmt: skip
"""Parameters that name files to be read or sent, keep some, or use keys from such."""

TEMPLATE_IDS: Final = frozenset(
    {"gupshup", "kaleyra", "klr", "notifyre", "onesignal", "sendgrid", "sendpulse", "whatsapp"}
)
"""Services whose `template` is a name at the service, and no file."""

SENDING: Final = frozenset({"cto", "optional", "redirect", "retry", "rto", "wait"})
"""Parameters about the sending itself, which is not for a target to decide: deadlines, tries, where answers lead, and
that a failure counts as success."""

REACHING: Final = frozenset(
    """
    access accesstoken action actions ad album alert alert_type alerting_scenario alias amount api-version apikey
    app app_id app_secret app_token app_ver archive assignees auth autoverify avatar avatar_url badge batch bcc
    blocks blossom border bot_id bot_token botname broadcast call campaign category cc channel channels class click
    client_key color company component content contents copy country critical critical_volume currency cycles decode
    dedup delay delete detect device discovery dither_kernel dither_type duration e2ee email emojis entity entity_id
    env event event_type expire external_id failure fields filename filtering flags flair_id flair_text flash footer
    footer_logo format from gateway group gwid header hq href hsreq icon icon_type icon_url id identifier image
    image_href image_url info inline integration integrationkey interval key kind label labels lang language level
    link links locale location login master_key max_parts mdv media method modal mode msgtype name nid nsfw oauth_id
    oauth_secret option overflow pa pass password path ping platform policy port powerautomate prefix preview
    priority profile project public_key purpose push_key recipients ref refresh region relay replies reply reply_to
    resubmit route routeid routing_key savesent secret seed sender sensitive service severity shared short_url sid
    sig signature silent smtp sound sound_href source sp special_text_color spi spoiler sptag status subtitle
    success sv tags task_key team team_wait tenant test thirdparty thread thread_name threadkey tid timeout
    timestamp to token topic topic_auth_token topic_code translit ttl tts txgroups type tz unicode urgency url
    url_label url_prefix url_title user v validity ver verify version vibration visibility voice volume warning
    webhook workflow workspace wrap xtags
    """.split()  # noqa: SIM905 - a line each would be 230
)
"""Parameters of all services that say whom to reach, as whom, and how the message looks there."""

_OF_THE_SERVICE: Final = ("+", "-", ":")
"""How the names of headers, fields and values begin that are only sent on."""


def parameters_fault(target: str) -> str | None:
    """Why the URL's parameters are not taken, in words that show nothing of their values; None when they are."""
    scheme, _, rest = target.partition("://")
    if rest.count("?") > 1:  # readers do not agree at which of them the parameters begin
        return "A URL has one question mark at most; others are written %3F."
    wrong = {name for name in _names(target) if not _may(name, scheme.lower())}
    if not wrong:
        return None
    known = sorted(wrong & (FILES | SENDING))
    more = len(wrong) - len(known)
    named = [", ".join(known)] if known else []
    if more:
        named.append(f"{more} that no service needs")
    return f"A target has no such parameters: {'; and '.join(named)}. Leave them out."


def _may(name: str, scheme: str) -> bool:
    if name == "template":
        return scheme in TEMPLATE_IDS
    return name in REACHING or name.startswith(_OF_THE_SERVICE)


def _names(target: str) -> set[str]:
    """The parameters' names as apprise reads them."""
    query = target.partition("?")[2]
    if not query:
        return set()
    return {name for name in parse_qsd(query)["qsd"] if name}  # type: ignore[no-untyped-call]
