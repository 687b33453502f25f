"""Remote nodes as features.routing wants to see them."""

from collections.abc import Mapping
from typing import Any

from heliograph.features.routing import Peers
from heliograph.gateways.dimse import nodes
from heliograph.gateways.dimse.requestor import Destination
from heliograph.kit.settings import Settings


class DicomPeers(Peers):
    """Calls other nodes under our own AE title."""

    def __init__(self, settings: Settings) -> None:
        self._aet = settings.aet.strip()

    def echo(self, aet: str, host: str, port: int) -> float:
        return nodes.echo(Destination(aet, host, port), self._aet)

    def query(self, node: Mapping[str, Any], keys: Mapping[str, str], limit: int) -> tuple[list[dict[str, str]], bool]:
        destination = Destination(node["aet"], node["host"], node["port"])
        found, more = nodes.find_studies(destination, self._aet, keys, limit=limit)
        return [{keyword: "\\".join(values) for keyword, values in match.items()} for match in found], more
