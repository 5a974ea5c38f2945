"""What Splunk does when an event is read: extractions, automatic fields, aliases, calculated fields, lookups."""
