"""A package tried in a Splunk of your own, and what that shows compared with the replay."""
