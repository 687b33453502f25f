"""What a viewer needs to hang a study: its row, its series, priors, held objects; made on demand, ETag by revision."""

from typing import Any

from heliograph.engine.db import Tx
from heliograph.features.access import Actor, open_glass
from heliograph.features.archive import held_of_study
from heliograph.features.archive.search import priors, series_of_study, study_by_id


def study_manifest(tx: Tx, actor: Actor, study_id: int) -> dict[str, Any]:
    """Raises Absent when the actor may not see the study. `instance_count` is the live count; `priors` are all other studies of the
    patient, each with its `relation` prior, later or undated (safety guard 7). `emergency`: by which broken glass the patient is seen."""
    study = study_by_id(tx, actor, study_id)
    series = series_of_study(tx, actor, study_id)
    return {
        "study": study,
        "revision": str(study["revision"]),
        "instance_count": study["instance_count"],
        "series": series,
        "priors": priors(tx, actor, study_id, later=True),
        "held": held_of_study(tx, actor, study_id),
        "emergency": open_glass(tx, actor, int(study["patient"]["id"])),
    }
