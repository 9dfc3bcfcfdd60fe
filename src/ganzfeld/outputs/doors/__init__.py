"""Doors: where the pictures of a running show leave it, each in a process of its own. How one is made: `base.py`."""
