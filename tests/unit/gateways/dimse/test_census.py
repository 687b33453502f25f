"""Limits of associations hold for all receiving processes together (N2)."""

from pathlib import Path

from heliograph.gateways.dimse.census import Census


def test_each_sees_what_the_others_have_open(tmp_path: Path) -> None:
    here, there, third = (Census(tmp_path / "associations", number, 3) for number in range(3))
    here.note(5, "10.0.0.1", 3)
    there.note(7, "10.0.0.1", 4)
    there.note(8, "10.0.0.2", 1)
    assert third.elsewhere("10.0.0.1") == (13, 7)
    assert here.elsewhere("10.0.0.1") == (8, 4)
    assert here.elsewhere("10.0.0.2") == (8, 1)
    assert there.elsewhere("10.0.0.3") == (5, 0)
    assert there.is_busiest(8)
    assert not here.is_busiest(0)


def test_a_restarted_process_begins_at_zero(tmp_path: Path) -> None:
    here, there = (Census(tmp_path / "associations", number, 2) for number in range(2))
    there.note(9, "10.0.0.1", 9)
    there.close()
    assert here.elsewhere("10.0.0.1") == (9, 9)
    Census(tmp_path / "associations", 1, 2)
    assert here.elsewhere("10.0.0.1") == (0, 0)
