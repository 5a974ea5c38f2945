"""The keys of transforms.conf (transforms.conf.spec of Splunk 10)."""

from typing import Final

from app.addons.lint.keys.kinds import KeyTable, Kind, kinds

TRANSFORMS: Final = KeyTable(
    exact=dict(
        (
            *kinds(
                Kind.BOOLEAN,
                """WRITE_META REPEAT_MATCH MV_ADD CLEAN_KEYS KEEP_EMPTY_VALS CAN_OPTIMIZE CAN_OPTIMIZE_IE
                case_sensitive_match reverse_lookup_honor_case_sensitive_match batch_index_query allow_caching
                check_permission replicate REMOVE_DIMS_FROM_METRIC_NAME metrics.disabled disabled""",
            ),
            *kinds(
                Kind.INTEGER,
                """MATCH_LIMIT DEPTH_LIMIT LOOKAHEAD max_matches min_matches max_duplicates max_offset_secs
                min_offset_secs cache_size max_ext_batch""",
            ),
            ("REGEX", Kind.REGEX),
            *kinds(
                Kind.ANY,
                """FORMAT CLONE_SOURCETYPE DEST_KEY DEFAULT_VALUE SOURCE_KEY INGEST_EVAL DELIMS FIELDS
                STOP_PROCESSING_IF filename collection default_match match_type cidr_priority external_cmd fields_list
                index_fields_list external_type python.version python.required time_field time_format filter
                feature_id_element METRIC-SCHEMA-MEASURES METRIC-SCHEMA-BLACKLIST-DIMS METRIC-SCHEMA-WHITELIST-DIMS
                metrics.report_interval metrics.rule_filter type""",
            ),
        )
    ),
    prefixes=("METRIC-SCHEMA-MEASURES-", "METRIC-SCHEMA-BLACKLIST-DIMS-", "METRIC-SCHEMA-WHITELIST-DIMS-"),
    choices={
        "external_type": ("python", "executable", "kvstore", "geo", "geo_hex"),
        "cidr_priority": ("most_specific", "first_match"),
    },
)
LOOKUP_KEYS: Final = ("filename", "external_cmd", "external_type", "collection")
"""A stanza with one of these is a lookup's definition and no extraction's."""
DESTINATIONS: Final = frozenset(
    {
        *("queue", "_raw", "_meta", "_time", "MetaData:Host", "MetaData:Source", "MetaData:Sourcetype"),
        *("_MetaData:Index", "_TCP_ROUTING", "_SYSLOG_ROUTING", "_HTTPOUT_ROUTING", "_INDEX_AND_FORWARD_ROUTING"),
    }
)
"""transforms.conf.spec, KEYS: case matters. `[accepted_keys]` adds others."""
