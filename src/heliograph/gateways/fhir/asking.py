"""From the search parameters of ITI-81 to a question to the audit log (ITI TF-2 3.81.4.1.2, FHIR R4 search)."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from heliograph.features.trail.search import AuditQuery, Entity
from heliograph.kit.errors import Invalid
from heliograph.standards.ihe.audit_event import OUTCOMES, Us

MOST = 500
_DEFAULT_COUNT: Final = 100
_LONGEST: Final = 200
_DATE: Final = re.compile(
    r"(?P<prefix>[a-z]{2})?(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)(T(?P<hour>\d\d):(?P<minute>\d\d)"
    r"(:(?P<second>\d\d)(\.(?P<part>\d{1,6})\d*)?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
_UID: Final = re.compile(r"(urn:oid:)?(?P<uid>[0-2](\.(0|[1-9]\d*))+)")
_JSON: Final = {"json", "application/json", "application/fhir+json"}
_BY_TYPE: Final[dict[str, Entity]] = {"1": "patient", "2": "thing"}
_BY_ROLE: Final[dict[str, Entity]] = {"1": "patient", "3": "report", "13": "security"}
_NOTHING: Final = ("-",)


@dataclass(frozen=True, slots=True)
class Asked:
    """A search: what for, how many of it, and from where on."""

    query: AuditQuery
    count: int
    cursor: str | None


def asked(pairs: list[tuple[str, str]], us: Us, zone: str) -> Asked:
    """Raises Invalid that names the parameter; one that is not known is refused, because leaving it out would give more than was asked for."""
    query, count, cursor = AuditQuery(), _DEFAULT_COUNT, None
    for name, value in pairs:
        if not value or len(value) > _LONGEST:
            raise Invalid(f"{_shown(name)} must have 1 to {_LONGEST} characters", code="bad_parameter")
        if name == "_count":
            count = _count(value)
        elif name == "_page":
            cursor = value
        elif name in _PLAIN:
            _PLAIN[name](value)
        elif name == "date":
            query = _at(query, value, zone)
        elif (narrow := _NARROWING.get(name.replace(":identifier", ".identifier"))) is not None:
            query = narrow(query, value, us)
        else:
            raise Invalid(
                f"{_shown(name)} is no search parameter here; /fhir/metadata lists all", code="unknown_parameter"
            )
    if query.since is None and query.until is None:
        raise Invalid("date is required, for example date=ge2026-11-01 (ITI-81)", code="date_required")
    return Asked(query, count, cursor)


def parameters() -> dict[str, str]:
    """Every parameter with its type, for the capability statement."""
    types = {"date": "date", "address": "string"}
    return {name: types.get(name, "token") for name in ("date", *_NARROWING)}


def _shown(name: str) -> str:
    """A foreign name in a sentence: short, and of plain characters."""
    return re.sub(r"[^\w.:-]", "?", name, flags=re.ASCII)[:40] or "a parameter without a name"


def _count(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= MOST:
        raise Invalid(f"_count must be 1 to {MOST}", code="bad_parameter")
    return int(value)


def _format(value: str) -> None:
    if value not in _JSON:
        raise Invalid("_format must be json: this door speaks application/fhir+json", code="not_acceptable")


def _sort(value: str) -> None:
    if value != "-date":
        raise Invalid("_sort must be -date: latest first is the only order", code="bad_parameter")


def _at(query: AuditQuery, value: str, zone: str) -> AuditQuery:
    """A date is the whole of the day, month or year that it names; several narrow each other."""
    found = _DATE.fullmatch(value)
    prefix = (found["prefix"] or "eq") if found else ""
    try:
        if found is None or prefix not in _BOUNDS:
            raise ValueError
        start, end = _span(found, zone)
    except (ValueError, OverflowError):
        raise Invalid(
            "date must be eq, ge, gt, le, lt, sa or eb and a FHIR date, for example ge2026-11-01T08:00:00Z",
            code="bad_parameter",
        ) from None
    since, until = _BOUNDS[prefix](start, end)
    return replace(
        query,
        since=max(filter(None, (query.since, since)), default=None),
        until=min(filter(None, (query.until, until)), default=None),
    )


_Bound = tuple[datetime | None, datetime | None]
_BOUNDS: Final[dict[str, Callable[[datetime, datetime], _Bound]]] = {
    "eq": lambda start, end: (start, end), "ge": lambda start, _: (start, None), "gt": lambda _, end: (end, None),
    "sa": lambda _, end: (end, None), "le": lambda _, end: (None, end), "lt": lambda start, _: (None, start),
    "eb": lambda start, _: (None, start),
}  # fmt: skip


def _span(found: re.Match[str], zone: str) -> tuple[datetime, datetime]:
    """From when to before when; without a zone it is that of the site, else UTC."""

    def number(name: str, least: int = 0) -> int:
        return int(found[name] or least)

    if found["zone"] is None:
        place: tzinfo | None = ZoneInfo(zone) if zone else UTC
    else:
        place = datetime.strptime(found["zone"], "%z").tzinfo
    part = int((found["part"] or "").ljust(6, "0"))
    start = datetime(
        number("year"), number("month", 1), number("day", 1), number("hour"), number("minute"), number("second"), part, place
    )  # fmt: skip
    return start, _after(start, found)


def _after(start: datetime, found: re.Match[str]) -> datetime:
    """The first instant that is no more part of what was named."""
    if found["part"]:
        return start + timedelta(microseconds=10 ** (6 - len(found["part"])))
    if found["second"]:
        return start + timedelta(seconds=1)
    if found["hour"]:
        return start + timedelta(minutes=1)
    if found["day"]:
        return start + timedelta(days=1)
    if found["month"]:
        return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return start.replace(year=start.year + 1)


def _token(value: str) -> tuple[str, str]:
    """(system, code) of `system|code`, `|code` or `code`."""
    system, _, code = value.rpartition("|")
    if not code or "," in code:
        raise Invalid("an identifier is one value: VALUE or SYSTEM|VALUE", code="bad_parameter")
    return system, code


def _codes(value: str) -> tuple[str, ...]:
    """The codes of a list of which one must fit."""
    return tuple(one.rpartition("|")[2] for one in value.split(",") if one)


def _agent(query: AuditQuery, value: str, us: Us) -> AuditQuery:
    """A person as the resource calls it (`name@host`), or the name or id alone."""
    name, _, domain = _token(value)[1].rpartition("@")
    is_ours = name and (domain == us.host or domain.endswith(f".{us.host}"))
    return replace(query, actor=name if is_ours else _token(value)[1])


def _patient(query: AuditQuery, value: str, _us: Us) -> AuditQuery:
    """The system is the issuer as the archive has it."""
    issuer, patient_id = _token(value)
    return replace(query, patient_id=patient_id, issuer=issuer or ("" if value.startswith("|") else None))


def _entity(query: AuditQuery, value: str, us: Us) -> AuditQuery:
    uid = _UID.fullmatch(_token(value)[1])
    return replace(query, study_uid=uid["uid"]) if uid else _patient(query, value, us)


def _source(query: AuditQuery, value: str, us: Us) -> AuditQuery:
    """All that is in the log comes from here."""
    return query if _token(value)[1] == us.aet else replace(query, kinds=_NOTHING)


def _outcome(query: AuditQuery, value: str, _us: Us) -> AuditQuery:
    words = {number: word for word, number in OUTCOMES.items()}
    return replace(query, outcomes=tuple(words.get(code, "-") for code in _codes(value)))


def _entities(query: AuditQuery, words: Iterable[Entity | None]) -> AuditQuery:
    known = tuple(word for word in words if word is not None)
    return replace(query, entities=(*query.entities, known)) if known else replace(query, kinds=_NOTHING)


_PLAIN: Final[dict[str, Callable[[str], None]]] = {"_format": _format, "_sort": _sort}
_NARROWING: Final[dict[str, Callable[[AuditQuery, str, Us], AuditQuery]]] = {
    "address": lambda query, value, _: replace(query, address_begins=value),
    "agent.identifier": _agent,
    "patient.identifier": _patient,
    "entity.identifier": _entity,
    "source.identifier": _source,
    "entity-type": lambda query, value, _: _entities(query, map(_BY_TYPE.get, _codes(value))),
    "entity-role": lambda query, value, _: _entities(query, map(_BY_ROLE.get, _codes(value))),
    "type": lambda query, value, _: replace(query, events=_codes(value)),
    "subtype": lambda query, value, _: replace(query, types=_codes(value)),
    "outcome": _outcome,
}
