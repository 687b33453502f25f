"""Where an address that a person gave may lead (N7)."""

import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from heliograph.engine import egress
from heliograph.kit.errors import Broken, Invalid

CLOSED = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "169.254.169.254", "169.254.0.1", "100.100.100.200", "168.63.129.16", "224.0.0.1", "255.255.255.255",
    "240.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "ff02::1", "fd00:ec2::254", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
    "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "fec0::1", "", "localhost", "0x7f.1",
]  # fmt: skip
OPEN = ["10.1.2.3", "192.168.7.9", "172.16.0.1", "8.8.8.8", "2001:4860:4860::8888", "fd12:3456::1", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", CLOSED)
def test_what_is_closed(address: str) -> None:
    assert not egress.is_open(address)


@pytest.mark.parametrize("address", OPEN)
def test_what_is_open(address: str) -> None:
    assert egress.is_open(address)


def test_a_site_opens_what_it_names() -> None:
    also = egress.networks("127.0.0.0/8, ::1")
    assert egress.is_open("127.0.0.1", also)
    assert egress.is_open("::ffff:127.0.0.1", also)
    assert egress.is_open("::1", also)
    assert not egress.is_open("169.254.169.254", also)
    with pytest.raises(Invalid):
        egress.networks("everywhere")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x/", "file:///etc/passwd", "gopher://x", "http://", "http://user:secret@10.0.0.1/", "http://10.0.0.1:0/",
        "http://10.0.0.1:99999/", "http://10.0.0.1/\r\nX: y", "http://10.0.0.1/a b", "//10.0.0.1/", "", "http://[::1", "http://ex\u0430mple.org/",
    ],
)  # fmt: skip
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(Invalid) as told:
        egress.post(url, b"", {})
    assert told.value.code == "bad_url"


class _Other(http.server.BaseHTTPRequestHandler):
    asked: list[tuple[str, str, dict[str, str]]]

    def do_POST(self) -> None:
        self.asked.append((self.path, self.headers["Host"], dict(self.headers)))
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(302 if self.path == "/away" else 204)
        self.send_header("Location", "http://169.254.169.254/latest/meta-data")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def other() -> Iterator[tuple[int, list[tuple[str, str, dict[str, str]]]]]:
    asked: list[tuple[str, str, dict[str, str]]] = []
    handler = type("Handler", (_Other,), {"asked": asked})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, asked
        server.shutdown()


LOOPBACK = egress.networks("127.0.0.0/8")


def test_a_name_that_means_another_machine_the_second_time_leads_to_the_first(
    other: tuple[int, list[tuple[str, str, dict[str, str]]]],
) -> None:
    """DNS rebinding: the name is asked once, and what was judged is what is called."""
    port, asked = other
    answers = iter(["127.0.0.1", "169.254.169.254"])

    def rebinding(_host: str, at: int, **_: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), at))]

    assert egress.post(f"http://alarms.test:{port}/in?x=1", b"{}", {}, also=LOOPBACK, resolve=rebinding) == 204
    assert [one[:2] for one in asked] == [("/in?x=1", f"alarms.test:{port}")]
    assert not {"Authorization", "Cookie"} & asked[0][2].keys()
    assert next(answers) == "169.254.169.254", "it was asked once"


def test_one_closed_address_among_others_closes_the_name() -> None:
    def mixed(_host: str, at: int, **_: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, at)) for one in ("10.0.0.1", "127.0.0.1")]

    with pytest.raises(Invalid) as told:
        egress.post("http://mixed.test/", b"", {}, resolve=mixed)
    assert told.value.code == "egress_refused"


def test_nobody_is_followed_elsewhere(other: tuple[int, list[tuple[str, str, dict[str, str]]]]) -> None:
    port, asked = other
    with pytest.raises(Broken) as told:
        egress.post(f"http://127.0.0.1:{port}/away", b"", {}, also=LOOPBACK)
    assert told.value.code == "redirected"
    assert len(asked) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0177.0.0.1"])
def test_oneself_is_not_called(host: str, other: tuple[int, list[tuple[str, str, dict[str, str]]]]) -> None:
    port, asked = other
    with pytest.raises((Invalid, OSError)):
        egress.post(f"http://{host}:{port}/in", b"", {})
    assert not asked
