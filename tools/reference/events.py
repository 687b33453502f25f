"""docs/reference/events.md from the EVENTS tables of the features."""

import importlib
from collections.abc import Mapping
from pathlib import Path

from tools.reference._markdown import block, code, page, table

FEATURES = Path("src/heliograph/features")

_INTRO = """Facts are written in the transaction that made them true and numbered in the order in which they were committed. The number is the
cursor: `GET /api/changes?after=N&limit=500` answers what came after it, oldest first, and `last` is the cursor of the next call. Nothing
is skipped and nothing comes twice under another number. A program needs the permission `changes.read`.

A fact is kept for [`archive.change_days`](settings.md). A call without `after` begins with the oldest that is kept. A cursor from before it,
or from after the last fact (the archive was put back from an older backup), is answered with status 410 and the code
[`cursor_gone`](problems.md#cursor_gone), never with a feed that has a hole: read what is stored anew, then go on from a call without `after`.

`subject` holds identifiers only, never patient data: read the rest through the API. Read until `items` is empty, then wait."""

_EXAMPLE = """{"items": [
  {"number": 41, "kind": "SeriesSettled", "at": "2026-11-22T06:28:30.118Z",
   "subject": {"series": 9, "study": 4, "series_uid": "1.2.3.4", "revision": 25, "instances": 25}}],
 "last": 41}"""


def tables() -> dict[str, Mapping[str, str]]:
    """Feature -> its events, of every feature that has a module `events`."""
    names = sorted(path.parent.name for path in FEATURES.glob("*/events.py"))
    return {name: importlib.import_module(f"heliograph.features.{name}.events").EVENTS for name in names}


def render() -> str:
    parts = [_INTRO, block(_EXAMPLE, "json")]
    for feature, events in tables().items():
        rows = [(f'<a id="{kind.lower()}"></a>{code(kind)}', meaning) for kind, meaning in events.items()]
        parts += [f"## {feature}", table(("Kind", "Meaning"), rows)]
    return page("Events", *parts)
