"""What a viewer needs to hang a study: its row, its series with their facts, other studies by relevance, held objects; made on demand."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from heliograph.engine.blobs import Blobs
from heliograph.engine.db import Tx
from heliograph.features.access import Actor, open_glass
from heliograph.features.archive import held_of_study
from heliograph.features.archive.search import priors, series_of_study, study_by_id
from heliograph.features.imaging import copies
from heliograph.features.imaging.facts import facts_of_row, relevance, study_facts
from heliograph.features.imaging.hanging import facts_of_studies, hanging_facts

LEAST_RELEVANCE = 40
"""Of another study, to be hung without being asked for: the same region and a kin of picture, or the same kind of picture."""
_MOST_HUNG = 2
_DAYS_IN_YEAR = 365.25
_TO_READ = frozenset({"report", "document"})


def study_manifest(tx: Tx, actor: Actor, study_id: int, blobs: Blobs) -> dict[str, Any]:
    """Raises Absent when the actor may not see the study. `instance_count` is the live count; `priors` are all other studies of the
    patient, each with its `relation` prior, later or undated (safety guard 7) and its `relevance`. `hanging` and each series' `facts` are
    what hanging protocols ask. `emergency`: by which broken glass the patient is seen."""
    study = study_by_id(tx, actor, study_id)
    series = series_of_study(tx, actor, study_id)
    facts = hanging_facts(tx, blobs, series)
    hanging = study_facts(study, [facts[int(row["id"])] for row in series])
    copies.mark_rows(tx, series)
    return {
        "study": study,
        "revision": str(study["revision"]),
        "instance_count": study["instance_count"],
        "series": [row | {"facts": facts[int(row["id"])]} for row in series],
        "hanging": hanging,
        "priors": _priors(tx, actor, study, hanging, blobs),
        "held": held_of_study(tx, actor, study_id),
        "emergency": open_glass(tx, actor, int(study["patient"]["id"])),
    }


def _priors(
    tx: Tx, actor: Actor, study: Mapping[str, Any], hanging: Mapping[str, Any], blobs: Blobs
) -> list[dict[str, Any]]:
    others = priors(tx, actor, int(study["id"]), later=True)
    known = facts_of_studies(tx, [int(row["id"]) for row in others])
    for row in others:
        series = known.get(int(row["id"]), [])
        own = study_facts(row, series) if series else facts_of_row(row)
        row["relevance"] = relevance(hanging, own, _years(row["study_date"], study["study_date"]))
        row["documents"] = sum(facts["kind"] in _TO_READ for facts in series)
    for row in _nearest(others):
        found = series_of_study(tx, actor, int(row["id"]))
        facts = hanging_facts(tx, blobs, found)
        copies.mark_rows(tx, found)
        row["series"] = [one | {"facts": facts[int(one["id"])]} for one in found]
    return others


def _nearest(others: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Earlier studies that a protocol may hang beside this one; a later one is no prior (safety guard 7)."""
    able = [row for row in others if row["relation"] == "prior" and row["relevance"]["score"] >= LEAST_RELEVANCE]
    return sorted(able, key=lambda row: -row["relevance"]["score"])[:_MOST_HUNG]


def _years(before: str, after: str) -> float | None:
    try:
        first, last = (date(int(day[:4]), int(day[4:6]), int(day[6:8])) for day in (before, after))
    except ValueError:
        return None
    return (last - first).days / _DAYS_IN_YEAR
