"""What migrations leave in the database beside the schema."""
