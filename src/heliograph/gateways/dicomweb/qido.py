"""QIDO-RS: searching studies, series and instances (PS3.18 10.6)."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from heliograph.features.access import Actor, require
from heliograph.features.archive import search
from heliograph.features.archive.search import Count, Match
from heliograph.gateways.dicomweb.attributes import dump_json
from heliograph.gateways.dicomweb.negotiation import accept_of, wants_json
from heliograph.gateways.dicomweb.state import DicomWeb, dicomweb_of
from heliograph.gateways.http import ActorDep
from heliograph.kit.errors import Absent, Invalid
from heliograph.standards.dicom import tags, uids
from heliograph.standards.dicom.query import Level, Query, from_parameters

router = APIRouter()
MOST_RESULTS: Final = 5_000
_FROM_HEADERS: Final = 1_000
_RETRIEVE_URL: Final = tags.tag_of("RetrieveURL")
_RETRIEVE_AET: Final = tags.tag_of("RetrieveAETitle")
_CHARACTER_SET: Final = tags.tag_of("SpecificCharacterSet")
_AGENT: Final = "heliograph"
_HEADERS: Final = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}


@router.get("/studies")
async def studies(request: Request, actor: ActorDep) -> Response:
    """Studies of the archive."""
    return await _answer(request, actor, Level.STUDY, {})


@router.get("/series")
async def all_series(request: Request, actor: ActorDep) -> Response:
    """Series of every study."""
    return await _answer(request, actor, Level.SERIES, {})


@router.get("/instances")
async def all_instances(request: Request, actor: ActorDep) -> Response:
    """Instances of every study."""
    return await _answer(request, actor, Level.IMAGE, {})


@router.get("/studies/{study_uid}/series")
async def series_of_study(study_uid: str, request: Request, actor: ActorDep) -> Response:
    """Series of one study."""
    return await _answer(request, actor, Level.SERIES, {Level.STUDY: study_uid})


@router.get("/studies/{study_uid}/instances")
async def instances_of_study(study_uid: str, request: Request, actor: ActorDep) -> Response:
    """Instances of one study."""
    return await _answer(request, actor, Level.IMAGE, {Level.STUDY: study_uid})


@router.get("/studies/{study_uid}/series/{series_uid}/instances")
async def instances_of_series(study_uid: str, series_uid: str, request: Request, actor: ActorDep) -> Response:
    """Instances of one series."""
    return await _answer(request, actor, Level.IMAGE, {Level.STUDY: study_uid, Level.SERIES: series_uid})


async def _answer(request: Request, actor: Actor, level: Level, within: Mapping[Level, str]) -> Response:
    require(actor, "study.read")
    accept = accept_of(request)
    media_type = wants_json(accept)
    if not all(uids.is_valid_uid(uid) for uid in within.values()):
        raise Absent("there is nothing of this identifier", code="no_such_uid")
    query = from_parameters(level, list(request.query_params.multi_items()), within=within)
    web = dicomweb_of(request)
    matches, count, warnings = await asyncio.to_thread(_search, web, actor, query, within)
    base = web.base_url(request)
    body = await asyncio.to_thread(dump_json, [_elements(match, query, base, web) for match in matches])
    response = Response(body, media_type=media_type, headers=_HEADERS)
    response.headers["X-Total-Count"] = str(count.number)
    if not count.is_exact:
        response.headers["X-Total-Count-Is-Estimate"] = "true"
    for warning in warnings:
        response.headers.append("Warning", f'299 {_AGENT} "{warning}"')
    return response


def _search(
    web: DicomWeb, actor: Actor, query: Query, within: Mapping[Level, str]
) -> tuple[list[Match], Count, list[str]]:
    """The matches of a page, how many there are in all, and what the client must be told."""
    unknown = search.unsupported(query, actor)
    if unknown:
        names = ", ".join(tags.keyword_of(tag) or tags.text_of(tag) for tag in unknown)
        raise Invalid(f"{query.level.value.lower()} searches cannot match {names}", code="unsupported_match_key")
    warnings: list[str] = []
    query, most = _with_defaults(query, within)
    limit = min(query.limit if query.limit is not None else most, most)
    with web.services.database.transaction() as tx:
        tx.execute("set local statement_timeout = '20s'")
        matches, count = search.search_and_count(tx, actor, query, limit=limit, blobs=web.services.blobs)
    if query.conditions:
        keys = sorted(tags.keyword_of(one.tag) or tags.text_of(one.tag) for one in query.conditions)
        detail = {"door": "qido", "keys": keys, "results": len(matches)}
        web.services.note_read(actor, "studies.searched", {}, detail=detail)
    is_capped = query.limit is None or query.limit > most
    if is_capped and len(matches) == most and count.number > query.offset + most:
        warnings.append(
            f"There are additional results that can be requested: {len(matches)} of {count.number} from offset {query.offset}"
        )
    return matches, count, warnings


def _with_defaults(query: Query, within: Mapping[Level, str]) -> tuple[Query, int]:
    """Adds what is answered without being asked (PS3.18 10.6.3.3); the largest page that the attributes allow."""
    wanted = list(search.returned(query.level))
    if query.level is Level.SERIES and not within:
        wanted += search.returned(Level.STUDY)
    if query.level is Level.IMAGE and Level.STUDY not in within:
        wanted += search.returned(Level.STUDY)
    if query.level is Level.IMAGE and Level.SERIES not in within:
        wanted += search.returned(Level.SERIES)
    levels = [level for level in (Level.STUDY, Level.SERIES, Level.IMAGE) if level.depth <= query.level.depth]
    wanted += [level.unique_key for level in levels]
    asked = [tag for tag in query.return_keys if tag not in (_RETRIEVE_URL, _CHARACTER_SET)]
    wide = replace(query, return_keys=tuple(dict.fromkeys([*asked, *wanted])))
    return wide, (_FROM_HEADERS if search.reads_headers(wide) else MOST_RESULTS)


def _elements(match: Match, query: Query, base: str, web: DicomWeb) -> dict[int, tuple[str, Any]]:
    found: dict[int, tuple[str, Any]] = dict(match.elements)
    path = "/".join(
        f"{kind}/{quote(uid, safe='')}"
        for kind, uid in (("studies", match.study_uid), ("series", match.series_uid), ("instances", match.sop_uid))
        if uid
    )
    found[_RETRIEVE_URL] = ("UR", (f"{base}/{path}",))
    if _RETRIEVE_AET in query.return_keys:
        found[_RETRIEVE_AET] = ("AE", (web.services.settings.aet,))
    found[_CHARACTER_SET] = ("CS", ("ISO_IR 192",))
    return found
