"""The face of every answer below `/api`, and how much a request may carry there: a question is short, whoever asks."""

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heliograph.gateways.http.problems import problem
from heliograph.kit.errors import Invalid

MOST_BYTES = 1 << 20
_STREAMED = frozenset({"/api/uploads"})


class Bodies:
    """Stands before the framework, which reads a whole body into memory before it asks who sent it (P2, P12)."""

    def __init__(self, app: ASGIApp, most_bytes: int = MOST_BYTES) -> None:
        self._app, self._most = app, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _never_kept(send) if scope["path"].startswith("/api/") else send
        if scope["path"] in _STREAMED:
            await self._app(scope, receive, answer)
            return
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        if not stated.isdigit() or int(stated) > self._most:
            await problem(_too_large(self._most))(scope, receive, answer)
            return
        await self._app(scope, self._counted(receive), answer)

    def _counted(self, receive: Receive) -> Receive:
        total = 0

        async def counted() -> Message:
            nonlocal total
            message = await receive()
            total += len(message.get("body", b""))
            if total > self._most:
                raise HTTPException(413, _too_large(self._most).message)
            return message

        return counted


def _too_large(most: int) -> Invalid:
    return Invalid(f"the body of this request may have {most} bytes at most", code="too_large")


def _never_kept(send: Send) -> Send:
    """What is shown to one person is not shown to the next at the same browser (safety guard 1)."""

    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Cache-Control", "private, no-cache")
            headers.setdefault("X-Content-Type-Options", "nosniff")
        await send(message)

    return marked
