"""Sample → package → replay → lint → report: what the command and the jobs call."""
