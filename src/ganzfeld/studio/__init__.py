"""The web server and the page: a show, seen in a browser.

`show.py` says what the studio needs of a running show, `server.py` serves it, `wire.py` is what goes over the wire,
and `web/` is the page's source, built into `page/`.
"""
