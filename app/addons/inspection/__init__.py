"""Splunk's own checker, splunk-appinspect, as an optional program in an environment of its own."""
