"""`python -m ganzfeld`: the command line, for programs that know a Python and no command."""

from ganzfeld.cli import main

if __name__ == "__main__":
    main()
