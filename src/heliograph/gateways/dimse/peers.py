"""Remote nodes as features.routing wants to see them."""

from collections.abc import Mapping
from typing import Any

from heliograph.features.routing import Peers
from heliograph.gateways.dimse import nodes
from heliograph.gateways.dimse.requestor import Destination
from heliograph.gateways.dimse.secure import secrecy
from heliograph.kit.settings import Settings


class DicomPeers(Peers):
    """Calls other nodes under the AE title of the organisation that asks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def echo(self, node: Mapping[str, Any], title: str) -> float:
        return nodes.echo(self._destination(node), title)

    def query(
        self, node: Mapping[str, Any], title: str, keys: Mapping[str, str], limit: int
    ) -> tuple[list[dict[str, str]], bool]:
        found, more = nodes.find_studies(self._destination(node), title, keys, limit=limit)
        return [{keyword: "\\".join(values) for keyword, values in match.items()} for match in found], more

    def _destination(self, node: Mapping[str, Any]) -> Destination:
        tls = secrecy(self._settings, node.get("tls_fingerprint", "")) if node.get("tls") else None
        return Destination(node["aet"], node["host"], node["port"], tls)
