"""The names and addresses under which this machine is called; they stand in the server's certificate."""

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

_SIOCGIFADDR = 0x8915
_WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 they are compared, not bound


def server_names(*more: str) -> list[str]:
    """The host name first, then `more` (hosts of settings), loopback and every address of the machine; each once."""
    host = socket.gethostname().lower()
    wanted = [host, *more, "localhost", "127.0.0.1", "::1", *_addresses()]
    return list(dict.fromkeys(name for one in wanted if (name := _checked(one))))


def names_of(host: str) -> list[str]:
    """Of one machine: what can stand in its certificate; nothing when its place is not known."""
    return [name] if (name := _checked(host)) else []


def _checked(name: str) -> str:
    """Empty for what cannot stand in a certificate."""
    name = name.strip().strip("[]").lower()
    if name in _WILDCARDS:
        return ""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        is_name = name.isascii() and len(name) <= 253 and all(0 < len(label) <= 63 for label in name.split("."))
        return name if is_name and not any(c.isspace() or c == "/" for c in name) else ""


def _addresses() -> Iterable[str]:
    """Of every interface, without asking a name server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, interface in socket.if_nameindex():
            try:
                answer = fcntl.ioctl(probe, _SIOCGIFADDR, struct.pack("256s", interface.encode()[:15]))
            except OSError:  # an interface without an address of version 4
                continue
            yield socket.inet_ntoa(answer[20:24])
    try:
        lines = Path("/proc/net/if_inet6").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        address = ipaddress.IPv6Address(int(line.split()[0], 16))
        if not address.is_link_local:
            yield str(address)
