"""Reading: a question as tokens, numbers and dates, before anything is known of tables."""
