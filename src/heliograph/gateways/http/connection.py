"""One HTTP connection as strangers may use it: bounded heads, deadlines, and an answer for who has said all it wants to say."""

import asyncio
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 << 10
HEAD_S = 30.0
BODY_S = 60.0
_LOOK_EVERY_S = 5.0
_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"  # RFC 6585 5
)


class Connection(HttpToolsProtocol):
    """The server's protocol, which by itself waits for ever and keeps every header that comes (N2, P2)."""

    _in_head = True
    _head_bytes = 0
    _head_began = 0.0
    _heard_at = 0.0
    _unsent = 0
    _moved_at = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # a stream, as in uvicorn
        super().connection_made(transport)
        self._head_began = self._heard_at = self.loop.time()

    def data_received(self, data: bytes) -> None:
        self._heard_at = self.loop.time()
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
                self.transport.write(_TOO_LARGE)
                self.transport.close()

    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes, self._head_began = True, 0, self._heard_at
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def eof_received(self) -> bool | None:  # type: ignore[override]  # uvicorn keeps None alone
        """A client may close its sending side when its request is whole, and waits for the answer (RFC 9112 9.6)."""
        cycle = self.cycle
        if self.scheme == "https":  # TLS has no half of a connection
            return None
        if self._in_head or cycle is None or cycle.response_complete or cycle.more_body:
            return None
        cycle.keep_alive = False  # the newest request is the last to be answered
        return True

    def end_if_silent(self, at: float) -> None:
        """Cuts off a peer that does not finish its head, stops in the middle of a body, or takes nothing of its answer."""
        waiting = self.transport.get_write_buffer_size()
        if waiting != self._unsent or not waiting:
            self._unsent, self._moved_at = waiting, at
        silent = at - self._heard_at
        if self._in_head:
            is_lost = at - self._head_began > HEAD_S
        elif waiting:
            is_lost = at - self._moved_at > BODY_S
        else:
            is_lost = self._awaits_body() and silent > BODY_S
        if is_lost:
            self.transport.abort()

    def _awaits_body(self) -> bool:
        cycle = self.cycle
        if cycle is None or cycle.response_complete or cycle.waiting_for_100_continue:
            return False
        return cycle.more_body and not self.flow.read_paused


async def end_silent(connections: Iterable[Any]) -> None:
    """Looks at every connection every few seconds, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        for one in list(connections):
            if isinstance(one, Connection):
                one.end_if_silent(loop.time())
