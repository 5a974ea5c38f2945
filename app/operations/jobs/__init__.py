"""Jobs as people see them: how far they are, how often they were tried, why they failed; and the way to end one."""
