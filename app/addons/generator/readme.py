"""The README of a package: which file goes where, what was found, and what the generator was not sure of."""

from collections.abc import Mapping, Sequence

from app.addons.generator.settings.identity import Identity

_INDEXERS = "indexers and heavy forwarders"
_SEARCH_HEADS = "search heads"
_PLACES = (
    ("default/props.conf", "LINE_BREAKER, TRUNCATE, TIME_*, TZ, CHARSET, TRANSFORMS-*", _INDEXERS),
    ("default/props.conf", "EVENT_BREAKER*, INDEXED_EXTRACTIONS", "the universal forwarder that reads the file"),
    ("default/props.conf", "EXTRACT-*, REPORT-*, KV_MODE, FIELDALIAS-*, EVAL-*", _SEARCH_HEADS),
    ("default/transforms.conf", "stanzas of TRANSFORMS-*", _INDEXERS),
    ("default/transforms.conf", "all other stanzas", _SEARCH_HEADS),
    ("default/eventtypes.conf, default/tags.conf", "all", _SEARCH_HEADS),
)


def readme_of(identity: Identity, kinds: Sequence[str], notes: Sequence[str], aliases: Mapping[str, str]) -> str:
    """The README in Markdown; the same text for the same findings."""
    lines = [
        f"# {identity.title}",
        "",
        f"Reads events of the sourcetype `{identity.sourcetype}`."
        + (f" The format: {', '.join(kinds)}." if kinds else ""),
        "",
        "## Which settings take effect where",
        "",
        "The same package can be installed everywhere; Splunk takes from it what the instance needs.",
        "",
        "| file | settings | instance |",
        "|---|---|---|",
        *(f"| `{file}` | {settings} | {where} |" for file, settings, where in _PLACES),
        "",
        "Give the sourcetype where the file is read, in `inputs.conf` of the forwarder:",
        "",
        "```",
        "[monitor:///var/log/example.log]",
        f"sourcetype = {identity.sourcetype}",
        "```",
    ]
    if aliases:
        lines += ["", "## Common Information Model", "", "| field of the log | field of the model |", "|---|---|"]
        lines += [
            f"| `{original}` | `{name}` |" for name, original in sorted(aliases.items(), key=lambda pair: pair[1])
        ]
    if notes:
        lines += ["", "## What was assumed", "", *(f"- {note}" for note in notes)]
    return "\n".join(lines) + "\n"
