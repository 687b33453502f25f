"""Which protocol fits a study, and which series hangs in which pane: the server's twin of web/src/viewer/hanging/match.ts.

Both must answer the same to the cases of tests/cases/hanging.json.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Facts = Mapping[str, Any]
NOT_FOR_READING = frozenset({"localizer", "capture"})
READABLE = frozenset({"image", "parametric", "slide", "video", "rtdose"})
LAYERS = ("shipped", "site", "role", "user")
LEAST_RELEVANT = 40


@dataclass(frozen=True, slots=True)
class Heard:
    """One rule, and what the study answered."""

    attribute: str
    value: Any
    held: bool
    required: bool
    weight: int


@dataclass(frozen=True, slots=True)
class Fit:
    protocol: str
    layer: str
    fits: bool
    score: int
    rules: tuple[Heard, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    study: str
    series: str
    sop_uid: str
    score: int


@dataclass(frozen=True, slots=True)
class Hung:
    """What hangs in a pane; `selector` is empty in a pane that stays empty. `at`: which of the display sets that the pane asks for."""

    pane: int
    selector: str = ""
    index: int = 0
    study: str = ""
    series: str = ""
    sop_uid: str = ""
    score: int = 0
    at: int = 0


@dataclass(frozen=True, slots=True)
class Study:
    """A study as the matcher sees it."""

    id: str
    patient: str
    relation: str
    facts: Facts
    series: Sequence[Facts] = field(default_factory=tuple)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return isinstance(a, bool) and isinstance(b, bool) and a is b
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str) and a == b
    return bool(a == b)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def holds(constraint: Facts, value: Any) -> bool:
    """Whether a value, or any of a list of values, holds a constraint."""
    values = [
        item for item in (value if isinstance(value, list | tuple) else [value]) if item is not None and item != ""
    ]
    return _compares(constraint, values) != bool(constraint.get("negate", False))


def _compares(constraint: Facts, values: Sequence[Any]) -> bool:
    texts = [value.lower() for value in values if isinstance(value, str)]
    if "equals" in constraint:
        return any(_same(value, constraint["equals"]) for value in values)
    if "one_of" in constraint:
        return any(_same(value, wanted) for value in values for wanted in constraint["one_of"])
    if "contains" in constraint:
        return any(constraint["contains"].lower() in text for text in texts)
    if "starts_with" in constraint:
        return any(text.startswith(constraint["starts_with"].lower()) for text in texts)
    if "greater_than" in constraint:
        return any(_is_number(value) and value > constraint["greater_than"] for value in values)
    if "less_than" in constraint:
        return any(_is_number(value) and value < constraint["less_than"] for value in values)
    return bool(values) == bool(constraint.get("exists", True))


def hear(rules: Sequence[Facts], facts: Facts) -> tuple[Heard, ...]:
    return tuple(
        Heard(
            rule["attribute"],
            facts.get(rule["attribute"]),
            holds(rule["constraint"], facts.get(rule["attribute"])),
            bool(rule.get("required", False)),
            int(rule.get("weight", 1)),
        )
        for rule in rules
    )


def _judge(heard: Sequence[Heard]) -> tuple[bool, int]:
    score = sum(rule.weight for rule in heard if rule.held)
    if any(rule.required and not rule.held for rule in heard):
        return False, score
    return not heard or score > 0 or any(rule.required for rule in heard), score


def rank(protocols: Sequence[tuple[str, Facts]], study: Study, prior_count: int) -> list[Fit]:
    """Every protocol, (layer, document), the best fitting first: what is nearer to the person wins, then the score, the priority, the id."""
    facts = {**study.facts, "prior_count": prior_count}
    fits = []
    for layer, document in protocols:
        heard = hear(document["protocol_matching_rules"], facts)
        fit, score = _judge(heard)
        fits.append((Fit(document["id"], layer, fit, score, heard), int(document.get("priority", 0))))
    fits.sort(
        key=lambda item: (not item[0].fits, -LAYERS.index(item[0].layer), -item[0].score, -item[1], item[0].protocol)
    )
    return [fit for fit, _ in fits]


def relevant(current: Study, priors: Sequence[Study]) -> list[Study]:
    """Of the studies given in the order of relevance, those that may hang as priors: earlier ones of the same patient, nothing else."""
    return [
        study
        for study in priors
        if study.relation == "prior" and study.patient == current.patient and study.id != current.id
    ]


def candidates(selector: Facts, current: Study, priors: Sequence[Study]) -> list[Candidate]:
    """What a selector finds, the best first."""
    study: Study | None = current
    if selector.get("study", "current") == "prior":
        at = int(selector.get("prior_index", 0))
        study = priors[at] if at < len(priors) else None
    if study is None:
        return []
    rules = selector.get("series_matching_rules", ())
    names_kind = any(rule["attribute"] == "kind" for rule in rules)
    found: list[tuple[int, int, int, Candidate]] = []
    for place, series in enumerate(study.series):
        if not names_kind and series["kind"] not in READABLE:
            continue
        fit, score = _judge(hear(rules, series))
        if not fit:
            continue
        images = selector.get("image_matching_rules")
        if images is None:
            found.append((-score, place, 0, Candidate(study.id, series["id"], "", score)))
            continue
        for number, image in enumerate(series.get("images", ())):
            fit, own = _judge(hear(images, image))
            if fit:
                found.append(
                    (-score - own, place, number, Candidate(study.id, series["id"], image["sop_uid"], score + own))
                )
    found.sort(key=lambda item: item[:3])
    return [candidate for *_, candidate in found]


def stages(protocol: Facts, current: Study, priors: Sequence[Study]) -> list[int]:
    """The stages that have something to show, in their order."""
    chosen = relevant(current, priors)
    found = []
    for number, stage in enumerate(protocol["stages"]):
        lists = {
            name: candidates(protocol["display_set_selectors"][name], current, chosen)
            for name in stage.get("requires", ())
        }
        if all(lists.values()) and any(pane.selector for pane in arrange(protocol, number, current, priors)):
            found.append(number)
    return found


def arrange(protocol: Facts, stage: int, current: Study, priors: Sequence[Study]) -> list[Hung]:
    """Each pane of a stage. A series that one selector has hung is not hung again by another."""
    chosen = relevant(current, priors)
    selectors = protocol["display_set_selectors"]
    taken: dict[tuple[str, str, str], str] = {}
    panes = []
    for number, viewport in enumerate(protocol["stages"][stage]["viewports"]):
        hung = Hung(number)
        for at, wanted in enumerate((*viewport["display_sets"], *viewport.get("otherwise", ()))):
            name, index = wanted["id"], int(wanted.get("matched_display_sets_index", 0))
            free = [
                one
                for one in candidates(selectors[name], current, chosen)
                if taken.get((one.study, one.series, one.sop_uid), name) == name
            ]
            if index < len(free):
                one = free[index]
                taken[one.study, one.series, one.sop_uid] = name
                hung = Hung(number, name, index, one.study, one.series, one.sop_uid, one.score, at)
                break
        panes.append(hung)
    return panes


def left_out(current: Study, panes: Sequence[Hung]) -> list[str]:
    """Series with something to see that hang in no pane."""
    hung = {pane.series for pane in panes}
    return [series["id"] for series in current.series if series["kind"] in READABLE and series["id"] not in hung]
