"""What runs here: versions, facts of the database, features, and the index of routes. No secrets."""
