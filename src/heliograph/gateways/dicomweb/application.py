"""The DICOMweb door: frames and their copies first, then everything else through the framework."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import FastAPI

from heliograph.gateways.dicomweb import qido, rendered, stow, wado
from heliograph.gateways.dicomweb.copied import CopiedFrames
from heliograph.gateways.dicomweb.frames import Frames
from heliograph.gateways.dicomweb.page_cache import CachedRanges
from heliograph.gateways.dicomweb.state import DicomWeb
from heliograph.gateways.http import add_error_handlers

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ROOT = "/dicom-web"
_FRAME_PARTS = 8
_COPY_PARTS = 10


class DicomWebApplication:
    """Serves everything below ROOT; shares services, actors and documents with the parent application."""

    def __init__(self, parent: FastAPI) -> None:
        state = parent.state
        state.dicomweb = DicomWeb(state.services, state.documents)
        self.rest = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, title="DICOMweb")
        self.rest.state = state
        add_error_handlers(self.rest)
        for module in (qido, stow, rendered, wado):
            self.rest.include_router(module.router)
        web = state.dicomweb
        self.cached: CachedRanges = web.cached
        self.frames = Frames(state.services, state.authenticator, web.locator, web.children, web.cached, state.volumes)
        self.copied = CopiedFrames(self.frames, web.locator, state.volumes, state.copies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            parts = scope["path"][len(ROOT) + 1 :].split("/")
            if len(parts) == _FRAME_PARTS and parts[6] == "frames" and parts[0] == "studies":
                scope["app"] = self.rest
                await self.frames(scope, send, parts)
                return
            if len(parts) == _COPY_PARTS and parts[6] == "frames" and parts[8] == "copy":
                scope["app"] = self.rest
                await self.copied(scope, send, parts)
                return
        inner = dict(scope)
        inner["root_path"] = scope.get("root_path", "") + ROOT
        await self.rest(inner, receive, send)


def application(parent: FastAPI) -> DicomWebApplication:
    """To be asked before the parent's own routes."""
    return DicomWebApplication(parent)
