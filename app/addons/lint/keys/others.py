"""The keys of the other conf files of an add-on: app, eventtypes, tags, collections, macros, fields, metadata.

savedsearches.conf and inputs.conf have hundreds of keys, scripted inputs their own: those are not held against a table.
"""

from typing import Final

from app.addons.lint.keys.kinds import KeyTable, Kind, kinds

_HUES: Final = ("blue", "green", "magenta", "orange", "purple", "red", "sky", "teal", "yellow")
APP: Final = KeyTable(
    exact=dict(
        (
            *kinds(
                Kind.BOOLEAN,
                """remote_tab check_for_updates show_upgrade_notification state_change_requires_restart is_configured
                allows_disable is_visible show_in_nav is_manageable plugin_enabled""",
            ),
            ("build", Kind.INTEGER),
            *kinds(
                Kind.ANY,
                """email company group name version description author id state install_source_checksum
                install_source_local_checksum python.version python.required deployer_lookups_push_mode
                deployer_push_mode label docs_section_override attribution_link setup_view supported_themes
                verify_script password extension_script data_limit default_gather_lookups""",
            ),
        )
    ),
    prefixes=("reload.", "default_gather_lookups-"),
    choices={"state": ("enabled", "disabled")},
)
EVENTTYPES: Final = KeyTable(
    exact=dict(
        (("disabled", Kind.BOOLEAN), ("priority", Kind.INTEGER), *kinds(Kind.ANY, "search description tags color"))
    ),
    choices={"color": ("none", *(f"et_{hue}" for hue in _HUES))},
)
COLLECTIONS: Final = KeyTable(
    exact=dict(
        (
            *kinds(Kind.BOOLEAN, "enforceTypes profilingEnabled replicate disabled"),
            *kinds(Kind.INTEGER, "profilingThresholdMs replication_dump_maximum_file_size"),
            *kinds(Kind.ANY, "replication_dump_strategy type"),
        )
    ),
    prefixes=("field.", "accelerated_fields."),
    choices={"replication_dump_strategy": ("one_file", "auto")},
)
MACROS: Final = KeyTable(
    exact=dict((("iseval", Kind.BOOLEAN), *kinds(Kind.ANY, "args definition validation errormsg description")))
)
FIELDS: Final = KeyTable(exact=dict((*kinds(Kind.BOOLEAN, "INDEXED"), *kinds(Kind.ANY, "TOKENIZER INDEXED_VALUE"))))
META: Final = KeyTable(exact=dict(kinds(Kind.ANY, "access export owner version modtime sharedReadWrite")))
