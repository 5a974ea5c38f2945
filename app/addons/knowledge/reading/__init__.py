"""Reading documents: Markdown, plain text, HTML and PDF become passages under their headings."""
