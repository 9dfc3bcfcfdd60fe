"""The table of what arrives stays small, whatever is sent."""

from __future__ import annotations

from ganzfeld.signals.arrivals_table import LONGEST_ADDRESS, LONGEST_VALUE, MOST_ADDRESSES, ArrivalsTable


def test_rates_are_of_the_last_whole_second_and_end() -> None:
    now = [10.0]
    table = ArrivalsTable(lambda: now[0])
    for k in range(20):
        now[0] = 10 + k / 20
        table.heard("osc", "/push", k / 20)
    table.heard("midi", "/midi/cc/1/74", 0.123456)
    now[0] = 11.2
    newest, push = table.look()
    assert (newest.address, newest.value, newest.rate) == ("/midi/cc/1/74", "0.1235", 1)
    assert (push.address, push.rate, push.ago) == ("/push", 20, 0.25)
    table.heard("osc", "/push")  # without a value the last one stays
    assert [(each.address, each.rate) for each in table.look()] == [("/push", 20), ("/midi/cc/1/74", 1)]
    assert table.look()[0].value == "0.95"
    now[0] = 14.0
    assert [each.rate for each in table.look()] == [0, 0]


def test_it_forgets_what_was_silent_longest_and_cuts_what_is_long() -> None:
    table = ArrivalsTable(lambda: 1.0)
    table.heard("osc", "/" + "x" * LONGEST_ADDRESS)
    assert table.look() == ()
    for k in range(MOST_ADDRESSES + 5):
        table.heard("osc", f"/{k}", ["y" * 500] * 100)
        table.heard("osc", "/kept")
    found = table.look()
    assert len(found) == MOST_ADDRESSES
    assert {"/kept", f"/{MOST_ADDRESSES + 4}"} <= {each.address for each in found}
    assert "/0" not in {each.address for each in found}
    assert max(len(each.value) for each in found) == LONGEST_VALUE
