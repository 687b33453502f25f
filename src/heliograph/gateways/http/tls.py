"""The HTTP door with TLS: the plain door's protocol behind a handshake that has a deadline."""

import asyncio
import socket
import ssl
from collections.abc import Callable

from heliograph.engine import secrets
from heliograph.engine.telemetry import fact
from heliograph.kit.settings import Settings

_LOOK_EVERY_S = 10.0


class TlsDoor:
    """One listening socket. A renewed certificate is loaded into the context that new connections use (RFC 9325)."""

    def __init__(self, listener: socket.socket, settings: Settings, protocol: Callable[[], asyncio.Protocol]) -> None:
        self._listener = listener
        self._settings = settings
        self._protocol = protocol
        self._renewed = secrets.door(settings)
        self._context = self._seen = self._renewed.context()

    async def open(self, backlog: int) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(
            self._protocol,
            sock=self._listener,
            ssl=self._context,
            backlog=backlog,
            ssl_handshake_timeout=self._settings.tls_handshake_s,
            ssl_shutdown_timeout=2.0,
        )

    async def watch(self) -> None:
        """Looks at the files of the certificate, for ever."""
        own = secrets.own_pair(self._settings)
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            fresh = await asyncio.to_thread(self._renewed.context)
            if fresh is self._seen:
                continue
            self._seen = fresh
            try:
                self._context.load_cert_chain(own.certificate, own.key)
            except (OSError, ssl.SSLError):  # half written; the next look finds it whole
                self._seen = self._context
            else:
                fact("http.certificate_loaded")
