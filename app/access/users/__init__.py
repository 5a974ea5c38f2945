"""People: who they are, what they hold, their passwords."""
