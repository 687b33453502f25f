"""The DICOM door: who may call, and how much of it."""

import os
from dataclasses import dataclass

from heliograph.kit.errors import Invalid
from heliograph.kit.settings.setting import one_of, setting

_MOST_BY_DEFAULT = 2


@dataclass(frozen=True)
class Dicom:
    """The DICOM door: who may call, and how much of it."""

    dimse_unknown_peers: str = setting(
        "",
        "What an unregistered caller may do: `store` (echo and store), `echo` or `refuse`. When not set: `store` from this machine, "
        "`refuse` from everywhere else.",
        toml="dimse.unknown_peers",
    )
    dimse_unknown_networks: str = setting(
        "private",
        "From where an unregistered caller may call when `dimse.unknown_peers` lets it: `private` (and loopback) or `any`.",
        toml="dimse.unknown_networks",
    )
    dimse_plaintext: str = setting(
        "pinned",
        "Which registered devices may call without TLS from another machine: `pinned` (those held to their address) or `private` "
        "(all, from private networks).",
        toml="dimse.plaintext",
    )
    dimse_processes: int = setting(
        0, "Processes that share the DICOM port; 0 takes one for each core, at most 2.", toml="dimse.processes"
    )
    dimse_max_associations: int = setting(200, "Open associations.", toml="dimse.max_associations", least=1)
    dimse_max_per_peer: int = setting(64, "Open associations of one address.", toml="dimse.max_per_peer", least=1)
    dimse_new_per_minute: int = setting(
        6000, "New associations of one address in a minute; 0 is without a limit.", toml="dimse.new_per_minute"
    )
    dimse_hourly_instances: int = setting(
        200_000,
        "Objects that one device may take by C-MOVE and C-GET within an hour; 0 is without a limit. A device may have its own.",
        toml="dimse.hourly_instances",
    )
    dimse_hourly_bytes: int = setting(
        200 << 30,
        "Bytes that one device may take by C-MOVE and C-GET within an hour; 0 is without a limit. A device may have its own.",
        toml="dimse.hourly_bytes",
    )
    dimse_idle_s: float = setting(
        120.0, "An association without traffic is aborted after this.", toml="dimse.idle_s", least=1
    )
    dimse_pdu_s: float = setting(60.0, "A PDU that has begun must be whole within this.", toml="dimse.pdu_s", least=1)
    dimse_max_pdu_bytes: int = setting(
        262144, "Largest P-DATA PDU that we accept.", toml="dimse.max_pdu_bytes", least=4096
    )

    @property
    def receiving_processes(self) -> int:
        return self.dimse_processes or min(_MOST_BY_DEFAULT, os.cpu_count() or 1)


def check(settings: Dicom) -> None:
    if not 0 <= settings.dimse_processes <= 16:
        raise Invalid("dimse.processes must be 0 to 16", code="bad_setting")
    one_of("dimse.unknown_peers", settings.dimse_unknown_peers, "", "store", "echo", "refuse")
    one_of("dimse.unknown_networks", settings.dimse_unknown_networks, "private", "any")
    one_of("dimse.plaintext", settings.dimse_plaintext, "pinned", "private")
