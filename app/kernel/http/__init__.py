"""How HTTP meets the rest: routes, sessions of a request, errors, negotiation, and the guarded client."""
