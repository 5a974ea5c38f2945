"""Rules about conf files in general: lines, stanzas, keys and values, regular expressions."""

from typing import Final

from app.addons.lint.catalogue.rule import LintRule, Severity

CONF: Final = (
    LintRule(
        "conf-too-large",
        Severity.ERROR,
        "A conf file beyond the size or number of stanzas that is read.",
        "Nobody can check a file of that size, and splunkd reads each conf file whole.",
        "Move tables of values into a lookup.",
    ),
    LintRule(
        "value-too-long",
        Severity.ERROR,
        "A value of more than 32,768 characters.",
        "No expression of that length compiles within Splunk's limits, and nobody reads the value.",
        "Move tables of values into a lookup.",
    ),
    LintRule(
        "not-utf-8",
        Severity.ERROR,
        "A text file that is not UTF-8.",
        "Splunk reads conf files and lookups as UTF-8: other bytes become wrong characters or end the reading.",
        "Save the file as UTF-8.",
    ),
    LintRule(
        "byte-order-mark",
        Severity.WARNING,
        "A text file that begins with a byte order mark.",
        "The mark becomes part of the first stanza's or column's name.",
        "Save the file as UTF-8 without a byte order mark.",
    ),
    LintRule(
        "stanza-not-closed",
        Severity.ERROR,
        "A stanza's line without its closing bracket.",
        "Splunk takes no such line for a stanza, so that what follows belongs to the stanza before.",
        "[acme:vpn]",
    ),
    LintRule(
        "duplicate-stanza",
        Severity.WARNING,
        "A stanza that stands in one file twice.",
        "Splunk merges both, and of a key in both the last value holds.",
        "Put all settings of the stanza in one place.",
    ),
    LintRule(
        "duplicate-key",
        Severity.WARNING,
        "A key that stands in one stanza twice.",
        "Only the last value holds.",
        "EXTRACT-user = …\nEXTRACT-action = …",
    ),
    LintRule(
        "not-a-setting",
        Severity.ERROR,
        "A line that is neither a stanza nor a setting nor a comment.",
        "Splunk skips the line.",
        "KEY = value",
    ),
    LintRule(
        "setting-outside-stanza",
        Severity.WARNING,
        "A setting before the first stanza.",
        "The setting holds for every stanza, in props.conf for every source type of the whole installation.",
        "[acme:vpn]\nKV_MODE = none",
    ),
    LintRule(
        "broken-continuation",
        Severity.WARNING,
        "A backslash at the end of a line with blanks behind.",
        "Only a backslash that is the line's last character goes on with the next line.",
        "EVAL-x = if(a=1,\\\n  b, c)",
    ),
    LintRule(
        "conf-not-read",
        Severity.WARNING,
        "A conf file outside of default/ and local/.",
        "Splunk reads conf files there only.",
        "default/props.conf",
    ),
)
"""Lines and stanzas of conf files."""
KEYS: Final = (
    LintRule(
        "unknown-key",
        Severity.WARNING,
        "A key that the conf file's specification does not have.",
        "Splunk ignores the setting without a word.",
        "See the .conf.spec file of Splunk's version.",
    ),
    LintRule(
        "misspelt-key",
        Severity.ERROR,
        "A key that is nearly, but not, one of the conf file's keys.",
        "Keys are compared with regard to case: Splunk ignores the setting without a word.",
        "TIME_PREFIX = ^",
    ),
    LintRule(
        "not-a-boolean",
        Severity.ERROR,
        "A switch with a value that is neither true nor false.",
        "Splunk takes the default instead.",
        "SHOULD_LINEMERGE = false",
    ),
    LintRule(
        "not-an-integer",
        Severity.ERROR,
        "A number's key with a value that is no whole number.",
        "Splunk takes the default instead.",
        "MAX_TIMESTAMP_LOOKAHEAD = 32",
    ),
    LintRule(
        "unknown-value",
        Severity.ERROR,
        "A value that is not among those which the key can have.",
        "Splunk takes the default instead.",
        "KV_MODE = json",
    ),
    LintRule(
        "unknown-charset",
        Severity.ERROR,
        "A character set of which no converter knows the name.",
        "Splunk falls back to another set, and characters beyond ASCII are lost.",
        "CHARSET = UTF-8",
    ),
    LintRule(
        "unknown-time-zone",
        Severity.ERROR,
        "A TZ that is neither a zone of the IANA database nor an offset.",
        "Splunk goes on as if TZ were not set: events are hours off.",
        "TZ = Europe/Vienna",
    ),
)
"""Keys and values that Splunk does not know."""
STANZAS: Final = (
    LintRule(
        "sourcetype-wildcard",
        Severity.ERROR,
        "A source type's stanza with * or ... in its name.",
        "Wildcards hold in source:: and host:: stanzas only: the stanza fits no event.",
        "[acme:vpn]",
    ),
    LintRule(
        "sourcetype-special-characters",
        Severity.WARNING,
        "A source type's name with <>?&#[]/ or ::.",
        "Such names might not be visible in Splunk Web (splunk-appinspect).",
        "[acme:vpn]",
    ),
    LintRule(
        "stanza-without-name",
        Severity.WARNING,
        "A stanza of props.conf or transforms.conf without a name.",
        "No event and no reference can reach the stanza.",
        "[acme:vpn]",
    ),
)
"""Names of stanzas."""
REGEXES: Final = (
    LintRule(
        "regex-invalid",
        Severity.ERROR,
        "A regular expression that PCRE2 does not compile.",
        "Splunk logs an error and the setting does nothing.",
        "EXTRACT-user = user=(?<user>\\S+)",
    ),
    LintRule(
        "group-name-illegal",
        Severity.ERROR,
        "A capturing group whose name is none.",
        "Names are letters, digits and underscores, no digit first, at most 32: nothing else compiles.",
        "(?<src_ip>\\S+)",
    ),
    LintRule(
        "nested-quantifier",
        Severity.NOTE,
        "A group that repeats without limit and holds an unlimited repetition.",
        "Texts that nearly match take exponential time; Splunk gives up and the field is missing.",
        "(?:[^,]+,)* in place of (?:[^,]*,?)*",
    ),
    LintRule(
        "extract-without-named-group",
        Severity.ERROR,
        "An EXTRACT without a named group.",
        "props.conf.spec: the regex is required to have named capturing groups; without, no field appears.",
        "EXTRACT-user = user=(?<user>\\S+)",
    ),
    LintRule(
        "extract-reads-field",
        Severity.WARNING,
        "An EXTRACT whose end reads as `in FIELD`, and no EXTRACT or index-time setting makes that field.",
        "Splunk takes the last word for the field to search in; write `[i]n` where that is not meant.",
        "EXTRACT-user = user (?<user>\\S+) [i]n room",
    ),
    LintRule(
        "default-field-overwritten",
        Severity.WARNING,
        "An extraction, alias or eval that writes one of Splunk's own fields.",
        "Searches by source type, source or index then find something else than what is stored.",
        "EXTRACT-file = source=(?<source_file>\\S+)",
    ),
    LintRule(
        "sedcmd-malformed",
        Severity.ERROR,
        "A SEDCMD that is neither s/regex/replacement/flags nor y/from/to/.",
        "Splunk ignores the command: what should be masked is indexed.",
        "SEDCMD-mask = s/password=\\S+/password=****/g",
    ),
)
"""Regular expressions and extractions of props.conf."""
