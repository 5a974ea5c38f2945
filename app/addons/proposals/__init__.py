"""Changes that a language model proposes to a generated add-on; off unless somebody runs a model and says so."""
