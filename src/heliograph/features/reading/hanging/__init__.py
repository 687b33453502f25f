"""How studies hang: protocols as data in layers, shipped below site below role below person, and what they do with what is stored.

Table: hanging_protocol.
"""

from heliograph.features.reading.hanging.document import checked, schema
from heliograph.features.reading.hanging.linting import lint
from heliograph.features.reading.hanging.protocols import (
    add_protocol,
    effective,
    protocols,
    remove_protocol,
    replace_protocol,
    shipped,
)

__all__ = [
    "add_protocol",
    "checked",
    "effective",
    "lint",
    "protocols",
    "remove_protocol",
    "replace_protocol",
    "schema",
    "shipped",
]
