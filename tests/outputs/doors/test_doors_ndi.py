"""What NDI alone has: odd widths, names that cannot be, receivers that are counted."""

from __future__ import annotations

import numpy as np
import pytest

from far_ends.ndi import NdiLoopback
from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.route import parse_route
from waiting import until


@pytest.fixture
def far_end(tmp_path):
    far_end = NdiLoopback(tmp_path)
    yield far_end
    far_end.close()


def test_an_odd_width_keeps_its_last_column_and_receivers_are_counted(stage, far_end):
    name = stage.doors.open(far_end.route)
    frame = 0

    def publish() -> None:
        nonlocal frame
        frame += 1

        def fill(pixels: np.ndarray) -> None:
            pixels[:], pixels[:, 60:] = (40, 40, 40, 255), (220, 220, 220, 255)

        stage.writer.publish("out", 63, 48, fill, frame=frame, t=frame / 60)

    def seen() -> list[np.ndarray]:
        publish()
        return [picture for picture in [far_end.newest()] if picture is not None]

    picture = until(seen)[0]
    assert picture.shape == (48, 64, 4)
    assert abs(int(picture[24, 62, 0]) - 220) < 12 > abs(int(picture[24, 63, 0]) - 220)
    until(lambda: publish() or "1 receiver" in stage.status(name).note)
    far_end._receiver.close()
    until(lambda: publish() or "0 receivers" in stage.status(name).note)


@pytest.mark.parametrize("name", ["a(b", "a)", "x" * 101])
def test_a_name_that_cannot_be_is_refused(name):
    with pytest.raises(OutputError, match="brackets"):
        parse_route(f'ndi:"{name}"')
