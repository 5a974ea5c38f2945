"""Which keys each conf file has and what their values may be, from Splunk's own .conf.spec files (10.x)."""
