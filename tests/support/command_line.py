"""Commands run in this process."""

from __future__ import annotations

import pytest

from ganzfeld.cli import main


def exit_code(*words: object) -> int:
    """The exit code of `ganzfeld WORDS`."""
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    return 0 if ended.value.code is None else int(ended.value.code)


def run(*words: object) -> None:
    """The command must succeed."""
    assert exit_code(*words) == 0


def refused(*words: object) -> None:
    """The command must end with an error."""
    assert exit_code(*words) == 1
