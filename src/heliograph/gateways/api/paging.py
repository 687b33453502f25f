"""Pages of short lists. A capped list says that it is capped (safety guard 12)."""

from typing import Any


def page_of(found: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """`found` holds one more than is shown when there is more; `next` is then the cursor, else null."""
    items = found[:limit]
    return {"items": items, "next": str(items[-1]["id"]) if len(found) > limit else None}
