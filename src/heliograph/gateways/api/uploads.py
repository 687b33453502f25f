"""Upload by the browser: DICOM files and ZIP files, streamed into a staging file and through the intake."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile

from heliograph.features import access
from heliograph.features.access import Actor
from heliograph.gateways.http import ActorDep, ServicesDep
from heliograph.gateways.http.staging import stage
from heliograph.kit.errors import Invalid
from heliograph.services import Services

router = APIRouter(tags=["uploads"])
_MOST_FILES = 5000


@router.post("/uploads")
async def upload(request: Request, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Field `file`, as often as needed. Answers when everything is durable, with the outcome of each file."""
    access.require(actor, "study.store")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > services.settings.max_upload_bytes:
        raise Invalid("the upload is larger than web.max_upload_bytes", code="too_large")
    folder = services.settings.data / "spool"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as staged:
        async with request.form(max_files=_MOST_FILES, max_fields=100) as form:
            files = [item for item in form.getlist("file") if isinstance(item, UploadFile)]
            if not files:
                raise Invalid("the field `file` is missing", code="no_file")
            names = await asyncio.to_thread(stage, files, Path(staged))
        return await asyncio.to_thread(_take, request, actor, services, Path(staged), names)


def _take(request: Request, actor: Actor, services: Services, staged: Path, names: dict[str, str]) -> dict[str, Any]:
    summary = request.app.state.import_folder(services, actor, staged)
    counts = summary.outcomes
    items = [item | {"name": names.get(item["name"], item["name"])} for item in summary.refused]
    return {
        "stored": counts["new"] + counts["newer"],
        "identical": counts["identical"],
        "held": counts["held"],
        "refused": counts["not_dicom"] + counts["failed"],
        "items": items,
    }
