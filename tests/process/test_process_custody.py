"""Which file is set aside, and until when."""

from __future__ import annotations

from ganzfeld.process.custody import CALM_SECONDS, FIRST_PAUSE, Custody
from ganzfeld.values.hazards import Hazard


class Disk(dict):
    def stamp(self, path: str) -> int:
        return self.get(path, 0)


def test_what_frames_wait_for_is_to_blame():
    custody = Custody(Disk().stamp)
    beside, frame = Hazard("opening", "a.pkl", 1, 9.0), Hazard("running", "s.py", 2, 9.0, waited_for=True)
    assert custody.blame([beside, frame], "exit code 3", 0.0) == "s.py"
    assert custody.blame([beside, frame], "exit code 3", 0.0) == "a.pkl"
    assert custody.blame([beside, frame], "exit code 3", 0.0) == "", "both are set aside: it was something else"
    assert custody.for_begin().keys() == {"a.pkl", "s.py"}
    assert [problem.file for problem in custody.problems()] == ["s.py", "a.pkl"]


def test_a_file_is_free_when_it_is_another():
    disk = Disk({"s.py": 1})
    custody = Custody(disk.stamp)
    custody.blame([Hazard("running", "s.py", 1, 9.0)], "it hung", 0.0)
    assert not custody.changed("s.py"), "its watcher tells of the version that hung"
    assert custody.due(1.0) == []
    disk.pop("s.py")
    assert custody.due(2.0) == [], "gone is not mended"
    disk["s.py"] = 2
    assert custody.due(3.0) == ["s.py"]
    assert custody.files == ()
    assert custody.changed("s.py")


def test_what_could_not_be_opened_is_tried_again_with_growing_pauses():
    custody = Custody(Disk().stamp)
    now = 0.0
    for tries in range(1, 4):
        custody.blame([Hazard("opening", "n.pkl", 1, 9.0)], "it hung", now)
        pause = FIRST_PAUSE * 2 ** (tries - 1)
        assert custody.due(now + pause - 1) == []
        now += pause
        assert custody.due(now) == ["n.pkl"]
        now += 1


def test_what_a_process_set_aside_itself_is_known_to_the_next_one_and_told_only_there():
    disk = Disk({"s.py": 1})
    custody = Custody(disk.stamp)
    custody.told({"s.py": ("did not return", 1)})
    assert custody.for_begin() == {"s.py": "did not return"}
    assert custody.problems() == []
    assert custody.due(1.0) == []
    disk["s.py"] = 2
    assert custody.due(2.0) == ["s.py"]


def test_the_file_that_changed_last_is_suspected():
    custody = Custody(Disk().stamp)
    assert custody.suspect("killed") == ""
    custody.noticed("a.pkl", 1.0)
    custody.noticed("s.py", 2.0)
    custody.noticed("a.pkl", 3.0)
    assert custody.suspect("killed") == "a.pkl"
    custody.calm(2.0 + CALM_SECONDS + 0.5)
    assert custody.suspect("killed") == "", "s.py has played well for long"
