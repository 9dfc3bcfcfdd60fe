"""What files were when they were played: the files themselves, and what is stated beside networks."""

from __future__ import annotations

import os

from ganzfeld.takes.fingerprints import Fingerprints, differing, fingerprint
from ganzfeld.takes.records import Fingerprint
from waiting import until


def taken(prints: Fingerprints, count: int) -> list[Fingerprint]:
    found: list[Fingerprint] = []
    until(lambda: found.extend(prints.taken()) or len(found) >= count)
    return found


def test_facts_stated_beside_a_network_count(tmp_path):
    network, facts = tmp_path / "n.pkl", tmp_path / "n.pkl.ganzfeld.json"
    network.write_bytes(b"network")
    prints = Fingerprints()
    try:
        prints.want([network], tmp_path)
        without = taken(prints, 1)
        facts.write_text('{"output_scale": 0.5}')
        assert differing(without, tmp_path) == ["n.pkl.ganzfeld.json was not beside n.pkl then"]
        prints.want([network], tmp_path)
        with_facts = without + taken(prints, 1)
    finally:
        prints.close()
    assert [entry.name for entry in with_facts] == ["n.pkl", "n.pkl.ganzfeld.json"]
    assert differing(with_facts, tmp_path) == []
    facts.write_text('{"output_scale": 0.25}')
    assert differing(with_facts, tmp_path) == ["n.pkl.ganzfeld.json is not the same file as then"]
    facts.unlink()
    assert differing(with_facts, tmp_path) == ["n.pkl.ganzfeld.json is not here"]


def test_other_content_with_the_old_time_is_taken_again(tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(b"one")
    prints = Fingerprints()
    try:
        prints.want([file], tmp_path)
        taken(prints, 1)
        status = file.stat()
        file.write_bytes(b"two")
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        prints.want([file, file], tmp_path)
        assert taken(prints, 1)[0].sha256 == fingerprint(file)
    finally:
        prints.close()
