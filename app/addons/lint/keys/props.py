"""The keys of props.conf (props.conf.spec of Splunk 10)."""

from typing import Final

from app.addons.lint.keys.kinds import KeyTable, Kind, kinds

PROPS: Final = KeyTable(
    exact=dict(
        (
            *kinds(
                Kind.BOOLEAN,
                """SHOULD_LINEMERGE BREAK_ONLY_BEFORE_DATE EVENT_BREAKER_ENABLE
                DETERMINE_TIMESTAMP_DATE_WITH_SYSTEM_TIME STATSD_EMIT_SINGLE_MEASUREMENT_FORMAT
                JSON_TRIM_BRACES_IN_ARRAY_NAMES AUTO_KV_JSON KV_TRIM_SPACES CHECK_FOR_HEADER NO_BINARY_CHECK
                PREFIX_SOURCETYPE is_valid force_local_processing LEARN_SOURCETYPE LEARN_MODEL
                termFrequencyWeightedDist ANNOTATE_PUNCT pulldown_type""",
            ),
            *kinds(
                Kind.INTEGER,
                """priority TRUNCATE LINE_BREAKER_LOOKBEHIND MAX_EVENTS LB_CHUNK_BREAKER_TRUNCATE
                MAX_TIMESTAMP_LOOKAHEAD MAX_DAYS_AGO MAX_DAYS_HENCE MAX_DIFF_SECS_AGO MAX_DIFF_SECS_HENCE
                HEADER_FIELD_LINE_NUMBER MATCH_LIMIT DEPTH_LIMIT initCrcLength maxDist KV_CAPTURE_LIMIT""",
            ),
            *kinds(
                Kind.REGEX,
                """LINE_BREAKER BREAK_ONLY_BEFORE MUST_BREAK_AFTER MUST_NOT_BREAK_AFTER MUST_NOT_BREAK_BEFORE
                EVENT_BREAKER LB_CHUNK_BREAKER TIME_PREFIX PREAMBLE_REGEX FIELD_HEADER_REGEX MISSING_VALUE_REGEX""",
            ),
            ("CHARSET", Kind.CHARSET),
            ("TZ", Kind.TIME_ZONE),
            *kinds(
                Kind.ANY,
                """host source sourcetype ROUTE_EVENTS_OLDER_THAN DATETIME_CONFIG TIME_FORMAT TZ_ALIAS
                ADD_EXTRA_TIME_FIELDS INDEXED_EXTRACTIONS METRICS_PROTOCOL STATSD-DIM-TRANSFORMS
                METRIC-SCHEMA-TRANSFORMS FIELD_DELIMITER HEADER_FIELD_DELIMITER
                HEADER_FIELD_ACCEPTABLE_SPECIAL_CHARACTERS FIELD_QUOTE HEADER_FIELD_QUOTE TIMESTAMP_FIELDS FIELD_NAMES
                KV_MODE detect_trailing_nulls SEGMENTATION CHECK_METHOD rename invalid_cause unarchive_cmd
                unarchive_cmd_start_mode unarchive_sourcetype description category disabled""",
            ),
        )
    ),
    prefixes=(
        *("TRANSFORMS-", "REPORT-", "EXTRACT-", "SEDCMD-", "FIELDALIAS-", "EVAL-", "SEGMENTATION-"),
        *("RULESET-", "RULESET_DESC-", "MORE_THAN", "LESS_THAN", "LOOKUP", "lookup"),
    ),
    choices={
        "KV_MODE": ("none", "auto", "auto_escaped", "multi", "json", "xml"),
        "INDEXED_EXTRACTIONS": ("csv", "tsv", "psv", "w3c", "json", "hec"),
        "METRICS_PROTOCOL": ("statsd", "collectd_http"),
        "CHECK_METHOD": ("endpoint_md5", "entire_md5", "modtime"),
        "detect_trailing_nulls": ("auto", "true", "false"),
        "ADD_EXTRA_TIME_FIELDS": ("none", "subseconds", "all", "true", "false"),
    },
)
"""`pulldown_type` and `category` are Splunk Web's own keys, which its default props.conf sets."""
INDEX_TIME_TRANSFORMS: Final = ("TRANSFORMS-", "RULESET-", "SEDCMD-")
"""Classes that change events while they are indexed."""
MERGE_KEYS: Final = (
    "BREAK_ONLY_BEFORE",
    "MUST_BREAK_AFTER",
    "MUST_NOT_BREAK_AFTER",
    "MUST_NOT_BREAK_BEFORE",
    "MAX_EVENTS",
)
"""Keys that hold only where SHOULD_LINEMERGE is true (props.conf.spec)."""
