"""Our lint: what breaks an add-on in practice and what the official checker does not see."""
