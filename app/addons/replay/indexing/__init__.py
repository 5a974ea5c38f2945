"""What Splunk does before an event is written: breaking, merging, header fields, times, sed commands, transforms."""
