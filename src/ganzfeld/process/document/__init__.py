"""The document of a show: one text that several write at once, what of it plays, and what of it is on disk."""
