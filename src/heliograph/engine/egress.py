"""The one way out to an address that a person gave: checked where it really leads, never followed elsewhere, without credentials (N7).

The name is resolved once, every answer is judged, and the connection goes to the very address that was judged: a name that means
another machine a moment later (DNS rebinding) leads nowhere. Proxies of the environment are not asked.
"""

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from heliograph.kit.errors import Broken, Invalid

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_PORTS: Final = {"http": 80, "https": 443}
_MOST_ANSWER: Final = 64 << 10
_SITE_LOCAL: Final = ("fec0::/10", "::/96")
# Where clouds tell their machines secrets; some lie in ranges that are ordinary elsewhere.
_METADATA: Final = (
    "169.254.169.254/32",
    "100.100.100.200/32",
    "192.0.0.192/32",
    "fd00:ec2::254/128",
    "168.63.129.16/32",
)
_NEVER: Final = tuple(ipaddress.ip_network(text) for text in (*_SITE_LOCAL, *_METADATA))
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def networks(text: str) -> tuple[Network, ...]:
    """`10.1.0.0/16, 127.0.0.1` as networks; raises Invalid."""
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise Invalid("networks are written as 10.1.0.0/16, 192.168.7.9", code="bad_network") from None


def is_open(address: str, also: Iterable[Network] = ()) -> bool:
    """Whether people may name this address: public and private ones, and what the site allows besides."""
    try:
        meant = _meant(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if any(meant in network for network in also):
        return True
    is_closed = (
        meant.is_loopback or meant.is_link_local or meant.is_multicast or meant.is_unspecified or meant.is_reserved
    )
    return not is_closed and not any(meant in network for network in _NEVER)


def _meant(address: Address) -> Address:
    """The IPv4 address inside of an IPv6 one, however it is wrapped."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    also: Iterable[Network] = (),
    timeout_s: float = 10.0,
    resolve: Callable[..., Any] = socket.getaddrinfo,
) -> int:
    """The status of the answer. Raises Invalid for an address that is not open, OSError when nobody answers, Broken for a redirect."""
    parts = _checked(url)
    port = parts.port or _PORTS[parts.scheme]
    host = parts.hostname or ""
    found = [entry[4][0] for entry in resolve(host, port, type=socket.SOCK_STREAM)]
    if not found or not all(is_open(address, tuple(also)) for address in found):
        raise Invalid("this address is not open to what people enter here (egress.networks)", code="egress_refused")
    wire = socket.create_connection((found[0], port), timeout=timeout_s)
    try:
        return _asked(wire, parts, host, body, headers)
    finally:
        wire.close()


def _asked(wire: socket.socket, parts: SplitResult, host: str, body: bytes, headers: Mapping[str, str]) -> int:
    if parts.scheme == "https":
        wire = ssl.create_default_context().wrap_socket(wire, server_hostname=host)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.sock = wire
    try:
        connection.request(
            "POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, dict(headers)
        )
        answer = connection.getresponse()
        answer.read(_MOST_ANSWER)
    finally:
        connection.close()
    if 300 <= answer.status < 400:
        raise Broken("the other side sends us elsewhere, and we do not follow", code="redirected")
    return answer.status


def _checked(url: str) -> SplitResult:
    """No credentials in it, no other scheme, no character that ends a line."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        fits = False
    if not fits or not url.isascii() or not url.isprintable() or " " in url:
        raise Invalid("this must be an http:// or https:// address without a name and password", code="bad_url")
    return parts
