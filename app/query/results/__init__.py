"""What PostgreSQL answers: an open statement, its limits, and the rows encoded into a file."""
