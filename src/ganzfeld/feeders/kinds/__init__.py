"""One kind of file or source a module. The parent imports these modules, too: heavy imports belong into functions."""
