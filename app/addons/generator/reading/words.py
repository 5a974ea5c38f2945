"""Words that logs of any origin have: names of months and days, levels in capitals. `re` and PCRE2 read them alike."""

MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
CAPITAL_LEVELS = "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE|PANIC|LOG"
"""Alternatives without a group around them. LOG is PostgreSQL's."""
