"""The library: networks, examples, patches and media within reach of the page, and files that it brings."""
