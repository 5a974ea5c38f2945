"""The workspace: what a project keeps beside its tables. Specifications in RDF are read here."""
