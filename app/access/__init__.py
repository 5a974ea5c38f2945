"""Who: users, roles, clients and their credentials, resolved to the one typed actor."""
