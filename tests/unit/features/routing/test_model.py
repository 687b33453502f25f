"""Pure decisions of routing: back-off, rules."""

from uuid import uuid4

import pytest

from heliograph.features.routing.model import BACK_OFF_S, MOST_ATTEMPTS, Node, Rule, applies, counted, wait_s

NODE = Node(uuid4(), 1, "archive", "ARCHIVE", "127.0.0.1", 104)


def rule(*, enabled: bool = True, modalities: tuple[str, ...] = (), device_ids: tuple[int, ...] = ()) -> Rule:
    return Rule(uuid4(), "r", enabled, NODE.id, modalities, device_ids)


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(0, 10), (1, 10), (2, 30), (3, 120), (4, 600), (5, 3600), (50, 3600), (MOST_ATTEMPTS, None)],
)
def test_back_off_grows_and_ends(attempts: int, seconds: float | None) -> None:
    assert wait_s(attempts) == seconds


def test_back_off_lasts_for_days() -> None:
    assert sum(wait_s(n) or 0 for n in range(MOST_ATTEMPTS)) > 3 * 24 * 3600
    assert list(BACK_OFF_S) == sorted(BACK_OFF_S)


@pytest.mark.parametrize(
    ("one", "modalities", "devices", "source", "expected"),
    [
        (rule(), ["CT"], [], "CT1", True),
        (rule(enabled=False), ["CT"], [], "CT1", False),
        (rule(modalities=("CT", "MR")), ["MR", "SR"], [], "MR1", True),
        (rule(modalities=("CT",)), ["MR"], [], "MR1", False),
        (rule(device_ids=(4,)), ["CT"], [3, 4], "CT1", True),
        (rule(device_ids=(4,)), ["CT"], [3], "CT1", False),
        (rule(modalities=("CT",), device_ids=(4,)), ["CT"], [], "CT1", False),
        (rule(), ["CT"], [], "ARCHIVE", False),
    ],
)
def test_rule_applies_by_modality_and_device_and_never_sends_back(
    one: Rule, modalities: list[str], devices: list[int], source: str, *, expected: bool
) -> None:
    assert applies(one, NODE, modalities, devices, source) is expected


def test_reasons_are_counted_most_frequent_first() -> None:
    assert counted({"a": 1, "b": 5, "c": 2, "d": 1}) == "5 x b; 2 x c; 1 x a"
