"""From the text of a specification to a graph, or a refusal that says what would be right."""
