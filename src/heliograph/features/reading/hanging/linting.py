"""What protocols do with the studies that are stored: which never match, where several are as good, which panes stay empty.

Reads derived facts alone: neither names nor descriptions of patients.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from heliograph.engine.db import Tx
from heliograph.features.access import Actor, note, require, visible
from heliograph.features.imaging.facts import study_facts
from heliograph.features.imaging.hanging import facts_of_studies
from heliograph.features.reading.hanging.matching import Study, arrange, left_out, rank, stages
from heliograph.features.reading.hanging.protocols import effective

MOST_STUDIES = 1000
_MOST_EXAMPLES = 5


@dataclass(slots=True)
class _Tally:
    layer: str
    fits: int = 0
    wins: int = 0
    ties: Counter[str] = field(default_factory=Counter)
    empty: Counter[str] = field(default_factory=Counter)
    filled: int = 0
    nothing: int = 0
    left_out: int = 0


def lint(tx: Tx, actor: Actor, *, studies: int = MOST_STUDIES) -> dict[str, Any]:
    """Every protocol that holds for this actor, over the studies that came last and that it may see."""
    require(actor, "workspace.manage")
    library = [(one["layer"], one["document"]) for one in effective(tx, actor)]
    tallies = {document["id"]: _Tally(layer) for layer, document in library}
    documents = {document["id"]: document for _, document in library}
    found = _studies(tx, actor, min(studies, MOST_STUDIES))
    unmatched: Counter[str] = Counter()
    for study in found:
        fits = [fit for fit in rank(library, study, 0) if fit.fits]
        for fit in fits:
            tallies[fit.protocol].fits += 1
        winner = next((fit for fit in fits if stages(documents[fit.protocol], study, ())), None)
        if winner is None:
            unmatched[_label(study)] += 1
            continue
        tallies[winner.protocol].wins += 1
        for other in fits:
            if other.protocol != winner.protocol and (other.layer, other.score) == (winner.layer, winner.score):
                tallies[winner.protocol].ties[other.protocol] += 1
        _count_panes(tallies[winner.protocol], documents[winner.protocol], study)
    note(tx, actor, "hanging.linted", {}, detail={"studies": len(found)})
    return {
        "studies": len(found),
        "without_facts": _without_facts(tx, actor),
        "protocols": [_told(name, tally, documents[name]) for name, tally in tallies.items()],
        "unmatched": [{"what": what, "count": count} for what, count in unmatched.most_common(_MOST_EXAMPLES)],
    }


def _count_panes(tally: _Tally, document: Mapping[str, Any], study: Study) -> None:
    stage = stages(document, study, ())[0]
    panes = arrange(document, stage, study, ())
    tally.filled += sum(bool(pane.selector) for pane in panes)
    tally.nothing += sum(not pane.selector for pane in panes)
    tally.left_out += len(left_out(study, panes))
    for pane, viewport in zip(panes, document["stages"][stage]["viewports"], strict=True):
        if not pane.selector:
            tally.empty[viewport["display_sets"][0]["id"]] += 1


def _told(name: str, tally: _Tally, document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "protocol": name,
        "name": document["name"],
        "layer": tally.layer,
        "fits": tally.fits,
        "wins": tally.wins,
        "panes_filled": tally.filled,
        "panes_empty": tally.nothing,
        "series_left_out": tally.left_out,
        "as_good": [{"protocol": other, "count": count} for other, count in tally.ties.most_common(_MOST_EXAMPLES)],
        "often_empty": [{"selector": what, "count": count} for what, count in tally.empty.most_common(_MOST_EXAMPLES)],
    }


def _label(study: Study) -> str:
    return f"{' '.join(study.facts['modalities'])} {study.facts['body_part']}".strip()


def _studies(tx: Tx, actor: Actor, limit: int) -> list[Study]:
    condition, values = visible(actor, "st")
    rows = tx.execute(
        f"select st.id from study st where {condition} and exists (select 1 from series se join series_facts f on f.series_fk = se.id "
        "where se.study_fk = st.id) order by st.received_at desc limit %s",
        (*values, limit),
    ).fetchall()
    known = facts_of_studies(tx, [row[0] for row in rows], images=True)
    return [_study(number, series) for number, series in known.items()]


def _study(number: int, series: Sequence[Mapping[str, Any]]) -> Study:
    items = [{**facts, "id": str(at)} for at, facts in enumerate(series)]
    return Study(str(number), "", "current", study_facts({}, items), items)


def _without_facts(tx: Tx, actor: Actor) -> int:
    condition, values = visible(actor, "st")
    row = tx.execute(
        f"select count(*) from study st where {condition} and not exists (select 1 from series se join series_facts f "
        "on f.series_fk = se.id where se.study_fk = st.id)",
        values,
    ).fetchone()
    return int(row[0]) if row else 0
