"""The built browser client, and the pages for machines: health, readiness, metrics."""

from heliograph.gateways.ui.pages import add_to

__all__ = ["add_to"]
