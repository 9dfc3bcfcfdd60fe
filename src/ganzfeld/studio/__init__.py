"""The web server and the page: a show, seen in a browser.

`show.py` says what the studio needs of a running show, `server.py` serves it, `wire.py` says which messages go to and
from the page, and `web/` is the page's source, built into `page/`.
"""
