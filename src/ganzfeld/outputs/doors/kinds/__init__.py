"""The kinds of door, one a file (see `outputs/doors/base.py`); a file that is added here is found."""
