"""Access logs of web servers: the common and the combined format, with what is often added.

Source: Apache HTTP Server, "Log Files", Common and Combined Log Format; a virtual host may stand before, more quoted
columns and times behind.
"""

from app.addons.generator.bodies.texts import Texts
from app.addons.generator.settings.plan import Extract, Extraction
from app.addons.generator.wording.composites import URL_PARTS
from app.addons.regexes import MatchLimit, compile_regex

PATTERN = (
    r"^(?:(?<vhost>[^\s:\[\]]+)(?::(?<vhost_port>\d{1,5}))? (?=[0-9A-Fa-f.:]+ ))?(?<clientip>[^\s\[\]]+)"
    r"(?: (?<ident>[^\s\[]+))?(?: (?<user>[^\[\"]*[^\s\[\"]))? \[(?<req_time>[^\]]{1,60})\] "
    r"\"(?:(?<method>[A-Z_]{2,20}) (?<uri>" + URL_PARTS.format("uri") + r")(?: HTTP/(?<version>[\d.]+))?|[^\"]*)\" "
    r"(?<status>\d{3}|-) (?<bytes>\d+|-)"
    r"(?: \"(?<referer>[^\"]*)\" \"(?<useragent>[^\"\\]*+(?:\\.[^\"\\]*+)*+)\")?(?: (?<other>\S.*))?"
)


def access_bodies(texts: Texts) -> Extraction | None:
    """Texts that are lines of an access log."""
    regex = compile_regex(PATTERN)
    claims = set()
    for index, body in texts.filled:
        try:
            match = regex.search(body)
        except MatchLimit:
            continue
        if match is not None and "[" in body and ":" in (match.named["req_time"] or ""):
            claims.add(index)
    if not claims:
        return None
    # A virtual host may stand before the client, so that the time has no fixed place: the bracket has.
    majority = len(claims) > len(texts.events) / 2 and texts.source is None
    time = {"TIME_PREFIX": r"\["} if majority else {}
    return Extraction(
        "access", frozenset(claims), {"KV_MODE": "none"} | time, extracts=(Extract("access", PATTERN, texts.source),)
    )
