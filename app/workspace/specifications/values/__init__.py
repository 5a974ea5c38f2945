"""Plain values that all parts share, those too that know no library of RDF: answers, formats, limits and refusals."""
