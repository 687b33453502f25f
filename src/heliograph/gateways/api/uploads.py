"""Upload by the browser: DICOM files and ZIP files, streamed into a staging file and through the intake."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile

from heliograph.features import access, archive
from heliograph.features.access import Actor
from heliograph.gateways.http import ActorDep, ServicesDep
from heliograph.gateways.http.staging import stage
from heliograph.kit.errors import Invalid
from heliograph.services import Services

router = APIRouter(tags=["uploads"])
_MOST_FILES = 5000
_PREFIX = "upload-"
_CODES = {sentence: code for code, sentence in archive.REASONS.items()}


@router.post("/uploads")
async def upload(request: Request, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Field `file`, as often as needed. Answers when everything is durable, with the outcome of each file."""
    access.require(actor, "study.store")
    _check_length(request.headers.get("content-length", ""), services.settings.max_upload_bytes)
    folder = services.settings.data / "spool"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=_PREFIX) as staged:
        async with request.form(max_files=_MOST_FILES, max_fields=100) as form:
            files = [item for item in form.getlist("file") if isinstance(item, UploadFile)]
            if not files:
                raise Invalid("the field `file` is missing", code="no_file")
            names = await asyncio.to_thread(stage, files, Path(staged))
        return await asyncio.to_thread(_take, request, actor, services, Path(staged), names)


def forget_interrupted(data: Path) -> None:
    """Takes away what uploads of a killed process left; nothing of it was acknowledged."""
    for left in (data / "spool").glob(_PREFIX + "*"):
        shutil.rmtree(left, ignore_errors=True)


def _check_length(stated: str, most: int) -> None:
    """Without a stated length the limit could not be held before the disk is full; the HTTP layer holds a sender to what it states."""
    if not stated.isdigit():
        raise Invalid("Content-Length must say how long the upload is", code="length_required")
    if int(stated) > most:
        raise Invalid("the upload is larger than web.max_upload_bytes", code="too_large")


def _code(item: dict[str, str]) -> str:
    """Name of the sentence, for readers of other languages; empty when there is only the sentence."""
    return item["outcome"] if item["outcome"] in {"not_dicom", "missing"} else _CODES.get(item["reason"], "")


def _take(request: Request, actor: Actor, services: Services, staged: Path, names: dict[str, str]) -> dict[str, Any]:
    summary = request.app.state.import_folder(services, actor, staged)
    counts = summary.outcomes
    items = [
        item | {"name": names.get(item["name"], item["name"]), "reason_code": _code(item)} for item in summary.refused
    ]
    return {
        "stored": counts["new"] + counts["newer"],
        "identical": counts["identical"],
        "held": counts["held"],
        "refused": summary.not_taken,
        "items": items,
    }
