"""The patch language: text to models, and edits of the text in place."""
