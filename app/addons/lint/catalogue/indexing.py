"""Rules about breaking into events and times, transforms, aliases and evals."""

from typing import Final

from app.addons.lint.catalogue.rule import LintRule, Severity

INDEXING: Final = (
    LintRule(
        "line-breaker-without-group",
        Severity.ERROR,
        "A LINE_BREAKER or EVENT_BREAKER without a capturing group.",
        "props.conf.spec: the regex must contain a capturing group; the first one is what stands between events.",
        "LINE_BREAKER = ([\\r\\n]+)(?=\\d{4}-)",
    ),
    LintRule(
        "line-breaker-empty-group",
        Severity.WARNING,
        "A LINE_BREAKER whose first group can match nothing.",
        "Events are then cut within lines wherever the rest matches.",
        "LINE_BREAKER = ([\\r\\n]+)",
    ),
    LintRule(
        "line-merge-on",
        Severity.WARNING,
        "Lines are merged although LINE_BREAKER cuts events.",
        "SHOULD_LINEMERGE is true unless set otherwise: Splunk joins the events again, before each date.",
        "SHOULD_LINEMERGE = false",
    ),
    LintRule(
        "merge-setting-idle",
        Severity.WARNING,
        "A setting of line merging where SHOULD_LINEMERGE is false.",
        "The setting does nothing.",
        "SHOULD_LINEMERGE = true, or cut events by LINE_BREAKER",
    ),
    LintRule(
        "event-breaker-idle",
        Severity.WARNING,
        "An EVENT_BREAKER without EVENT_BREAKER_ENABLE = true.",
        "props.conf.spec: the setting is only active where EVENT_BREAKER_ENABLE is true.",
        "EVENT_BREAKER_ENABLE = true",
    ),
    LintRule(
        "truncate-off",
        Severity.NOTE,
        "TRUNCATE = 0: lines of any length become one event.",
        "props.conf.spec: very long lines are often a sign of garbage.",
        "TRUNCATE = 10000",
    ),
    LintRule(
        "time-format-invalid",
        Severity.ERROR,
        "A TIME_FORMAT that reads no time.",
        "Splunk falls back to guessing, or to the time of arrival.",
        "TIME_FORMAT = %Y-%m-%dT%H:%M:%S%z",
    ),
    LintRule(
        "time-format-doubtful",
        Severity.WARNING,
        "A TIME_FORMAT that reads a time other than was meant.",
        "A month for a minute, an hour of twelve without AM and PM: events get wrong times without a word.",
        "TIME_FORMAT = %Y-%m-%d %H:%M:%S",
    ),
    LintRule(
        "lookahead-too-short",
        Severity.ERROR,
        "A MAX_TIMESTAMP_LOOKAHEAD shorter than what TIME_FORMAT reads.",
        "Splunk looks at that many characters only and finds no time.",
        "MAX_TIMESTAMP_LOOKAHEAD = 32",
    ),
    LintRule(
        "time-settings-idle",
        Severity.WARNING,
        "TIME_PREFIX or TIME_FORMAT beside DATETIME_CONFIG = CURRENT or NONE.",
        "DATETIME_CONFIG turns the reading of times off.",
        "Drop DATETIME_CONFIG, or the settings of the time.",
    ),
    LintRule(
        "fields-extracted-twice",
        Severity.WARNING,
        "INDEXED_EXTRACTIONS beside a search-time extraction of the same format.",
        "props.conf.spec: fields are extracted at index time and again at search time: every value is there twice.",
        "INDEXED_EXTRACTIONS = json\nKV_MODE = none",
    ),
    LintRule(
        "index-time-setting",
        Severity.NOTE,
        "A setting that changes events while they are indexed.",
        "Holds on the first full instance only (heavy forwarder or indexer), for data indexed from then on.",
        "Install the add-on there as well.",
    ),
)
"""Breaking into events, times, and what happens while events are indexed."""
TRANSFORMS: Final = (
    LintRule(
        "transform-missing",
        Severity.ERROR,
        "A transform that props.conf names and transforms.conf does not have.",
        "Splunk ignores the reference; of another add-on's transform it would depend silently.",
        "REPORT-pairs = acme_vpn_pairs",
    ),
    LintRule(
        "transform-unused",
        Severity.WARNING,
        "An extraction of transforms.conf that nothing names.",
        "The stanza does nothing.",
        "REPORT-pairs = acme_vpn_pairs",
    ),
    LintRule(
        "transform-without-regex",
        Severity.ERROR,
        "A transform with neither REGEX nor DELIMS nor INGEST_EVAL.",
        "transforms.conf.spec: REGEX is required but for delimiter-based extractions.",
        "REGEX = (\\w+)=(\\S+)",
    ),
    LintRule(
        "transform-without-groups",
        Severity.ERROR,
        "A REGEX without capturing groups where fields are to come from them.",
        "transforms.conf.spec: searches that use the configuration return no events.",
        "REGEX = (\\w+)=(\\S+)\nFORMAT = $1::$2",
    ),
    LintRule(
        "format-group-missing",
        Severity.ERROR,
        "A FORMAT that names a group which REGEX does not have.",
        "transforms.conf.spec: if REGEX does not have n groups, the matching fails.",
        "FORMAT = $1::$2",
    ),
    LintRule(
        "format-malformed",
        Severity.ERROR,
        "A search-time FORMAT that is no list of name::value.",
        "transforms.conf.spec: FORMAT = <field-name>::<field-value>; nothing is joined at search time.",
        "FORMAT = user::$1 action::$2",
    ),
    LintRule(
        "transform-without-target",
        Severity.ERROR,
        "An index-time transform without FORMAT, or with neither DEST_KEY nor WRITE_META.",
        "transforms.conf.spec: FORMAT and a target are required at index time.",
        "DEST_KEY = MetaData:Host\nFORMAT = host::$1",
    ),
    LintRule(
        "unknown-destination",
        Severity.WARNING,
        "A DEST_KEY that is no key of Splunk.",
        "Keys are compared with regard to case; [accepted_keys] would have to add others.",
        "DEST_KEY = MetaData:Sourcetype",
    ),
    LintRule(
        "delims-malformed",
        Severity.ERROR,
        "A DELIMS that is not one or two texts in double quotes.",
        "transforms.conf.spec: delimiters must be specified within double quotes.",
        'DELIMS = "|", "="',
    ),
    LintRule(
        "regex-beside-delims",
        Severity.WARNING,
        "REGEX and DELIMS in one transform.",
        "DELIMS stands in place of REGEX: one of both does nothing.",
        "Keep one of both.",
    ),
    LintRule(
        "fields-without-delims",
        Severity.WARNING,
        "FIELDS without DELIMS.",
        "transforms.conf.spec: FIELDS is used in conjunction with DELIMS.",
        'DELIMS = ","\nFIELDS = user, action',
    ),
)
"""Stanzas of transforms.conf and what refers to them."""
FIELDS: Final = (
    LintRule(
        "alias-malformed",
        Severity.ERROR,
        "A FIELDALIAS that is no list of `name AS alias`.",
        "Splunk ignores the setting.",
        "FIELDALIAS-src = client_ip AS src",
    ),
    LintRule(
        "alias-to-itself",
        Severity.ERROR,
        "A field that is its own alias.",
        "The alias does nothing, and hides what was meant.",
        "FIELDALIAS-src = client_ip AS src",
    ),
    LintRule(
        "alias-loop",
        Severity.ERROR,
        "Aliases that lead in a circle.",
        "Which field wins depends on the order of the keys; with AS a missing field clears the other.",
        "FIELDALIAS-src = client_ip AS src",
    ),
    LintRule(
        "alias-twice",
        Severity.WARNING,
        "One alias for two fields of a stanza.",
        "props.conf.spec: only one of the aliases takes effect.",
        "EVAL-user = coalesce(userID, loginID)",
    ),
    LintRule(
        "alias-of-placeholder",
        Severity.ERROR,
        "An alias that takes its value from a placeholder instead of a field.",
        "Aliases name fields: `unknown AS user` reads a field called unknown, and clears user where there is none.",
        "FIELDALIAS-user = account AS user",
    ),
    LintRule(
        "eval-placeholder",
        Severity.ERROR,
        'An EVAL that assigns a placeholder such as "-", "unknown" or "null".',
        'Searches for a missing value then find a value; data models fill in "unknown" by themselves.',
        "EVAL-user = coalesce(user, account)",
    ),
    LintRule(
        "eval-invalid",
        Severity.ERROR,
        "An EVAL that does not parse.",
        "Splunk logs an error and the field is missing.",
        "EVAL-user = coalesce(user, account)",
    ),
)
"""Aliases and evals."""
