"""From a header to the columns of study, series and instance."""

import re
from typing import Any

from heliograph.features.archive.model import Arrival, Identity
from heliograph.features.patients import Person
from heliograph.standards.dicom import names
from heliograph.standards.dicom.header import Header

_MOST_FRAMES = 1 << 22  # more than any object has; what says more lies (P3)
_UID = re.compile(r"^[0-9]+(\.[0-9]+)*$")
_REQUIRED = (("StudyInstanceUID", "study_uid"), ("SeriesInstanceUID", "series_uid"), ("SOPInstanceUID", "sop_uid"))
_LONGEST = 1024
# A row of an index holds 2,704 bytes. What the standard allows stays whole: 64 characters, or three groups of them in a name.
_IDENTIFIER_BYTES = 512
_NAME_BYTES = 600
_VALUE_BYTES = 200
_CODE_BYTES = 64  # dates, times and codes: 26 characters at most
_MOST_ITEMS = 16

# Kept as JSON beside the typed columns: answered by C-FIND and QIDO when asked for, matched by nobody often.
STUDY_EXTRA = (
    "IssuerOfPatientID", "OtherPatientIDs", "PatientAge", "PatientSize", "PatientWeight", "PatientBirthTime", "EthnicGroup", "Occupation",
    "AdditionalPatientHistory", "PatientComments", "MedicalAlerts", "Allergies", "PregnancyStatus", "AdmittingDiagnosesDescription",
    "NameOfPhysiciansReadingStudy", "PhysiciansOfRecord", "RequestingPhysician", "RequestingService", "ReasonForStudy", "StudyComments",
    "ResponsiblePerson", "PatientSpeciesDescription", "AdmissionID", "CurrentPatientLocation", "ProcedureCodeSequence", "IssuerOfAccessionNumberSequence",
)  # fmt: skip
SERIES_EXTRA = (
    "OperatorsName", "ViewPosition", "PatientPosition", "SeriesType", "SoftwareVersions", "DeviceSerialNumber", "AcquisitionNumber",
    "PerformedProcedureStepID", "PerformedProcedureStepDescription", "RequestAttributesSequence", "SequenceName",
    "ScanningSequence", "SliceThickness", "ContrastBolusAgent", "SpacingBetweenSlices", "ConvolutionKernel", "MagneticFieldStrength",
    "PresentationIntentType", "CommentsOnThePerformedProcedureStep",
)  # fmt: skip

_CODE = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
_INSIDE = {
    "ProcedureCodeSequence": _CODE,
    "IssuerOfAccessionNumberSequence": ("LocalNamespaceEntityID", "UniversalEntityID", "UniversalEntityIDType"),
    "RequestAttributesSequence": (
        "RequestedProcedureID", "ScheduledProcedureStepID", "AccessionNumber", "RequestedProcedureDescription",
        "ScheduledProcedureStepDescription",
    ),
}  # fmt: skip


def identity_of(header: Header, arrival: Arrival) -> Identity:
    """The identity an object states. The issuer is the object's own, else the source's (safety guard 3)."""
    person = Person(
        patient_id=_whole(header, "PatientID"),
        issuer=_whole(header, "IssuerOfPatientID") or arrival.issuer,
        name=_short(header.text("PatientName")),
        birth_date=_indexed(header.text("PatientBirthDate")),
        sex=_short(header.text("PatientSex")).upper()[:16],
    )
    return Identity(
        _whole(header, "StudyInstanceUID")[:_LONGEST], _whole(header, "SeriesInstanceUID")[:_LONGEST],
        _whole(header, "SOPInstanceUID")[:_LONGEST],
        _short(header.text("SOPClassUID") or header.meta("MediaStorageSOPClassUID")), person,
    )  # fmt: skip


def identity_trouble(identity: Identity) -> tuple[str, str] | None:
    """(reason code, attribute) of the first identifier that is missing or no UID (trap 27). Leading zeros are tolerated."""
    for attribute, name in _REQUIRED:
        value = getattr(identity, name)
        if not value:
            return "missing_identifier", attribute
        if len(value) > 64 or not _UID.match(value):
            return "bad_identifier", attribute
    person = identity.person
    if (
        max(len(person.patient_id.encode(errors="replace")), len(person.issuer.encode(errors="replace")))
        > _IDENTIFIER_BYTES
    ):
        return "bad_identifier", "PatientID"
    return None


def study_columns(header: Header, identity: Identity, arrival: Arrival) -> dict[str, Any]:
    person = identity.person
    referring = _short(header.text("ReferringPhysicianName"))
    description = _short(header.text("StudyDescription"))
    accession = _indexed(header.text("AccessionNumber"))
    folded = _indexed(names.fold(person.name), _NAME_BYTES)
    groups = names.groups(person.name)
    return {
        "study_uid": identity.study_uid,
        "patient_id": person.patient_id,
        "issuer": person.issuer,
        "patient_name": person.name,
        "patient_name_folded": folded,
        "ideographic_folded": _indexed(names.fold(groups.ideographic), _NAME_BYTES),
        "phonetic_folded": _indexed(names.fold(groups.phonetic), _NAME_BYTES),
        "birth_date": person.birth_date,
        "sex": person.sex,
        "study_date": _indexed(header.text("StudyDate"), _CODE_BYTES),
        "study_time": _indexed(header.text("StudyTime"), _CODE_BYTES),
        "timezone_offset": _short(header.text("TimezoneOffsetFromUTC")),
        "accession_number": accession,
        "study_id": _indexed(header.text("StudyID")),
        "description": description,
        "referring_physician": referring,
        "referring_physician_folded": _indexed(names.fold(referring), _NAME_BYTES),
        "institution": _short(header.text("InstitutionName")),
        "body_part": _short(header.text("BodyPartExamined")),
        "attributes": _extra(header, STUDY_EXTRA),
        "search_grams": search_grams(person.name, person.patient_id, accession, description),
        "search_text": search_text(person.name, person.patient_id, accession, description),
        "unverified": arrival.unverified,
        "source": arrival.source,
        "site_id": arrival.site_id,
        "department_id": arrival.department_id,
    }


def search_grams(name: str, patient_id: str, accession: str, description: str) -> list[int]:
    """Trigrams of everything the one search box looks into."""
    grams: set[int] = set()
    for text in (name, patient_id, accession, description):
        grams.update(names.trigrams(names.fold(text)))
    return sorted(grams)


CUT = "\x7f"
"""Sorts behind the blank that every other text begins with."""
_LONGEST_SEARCHED = 120


def search_text(name: str, patient_id: str, accession: str, description: str) -> str:
    """The same as words between blanks. It stands in indexes, whose rows are bounded: a long one is cut and begins with CUT."""
    text = " ".join(["", *filter(None, map(names.fold, (name, patient_id, accession, description))), ""])
    return text if len(text) <= _LONGEST_SEARCHED else CUT + text[:_LONGEST_SEARCHED]


def series_columns(header: Header, identity: Identity) -> dict[str, Any]:
    return {
        "series_uid": identity.series_uid,
        "number": _integer(header, "SeriesNumber"),
        "modality": _indexed(header.text("Modality"), _CODE_BYTES),
        "description": _short(header.text("SeriesDescription")),
        "body_part": _short(header.text("BodyPartExamined")),
        "laterality": _short(header.text("Laterality") or header.text("ImageLaterality")),
        "protocol_name": _short(header.text("ProtocolName")),
        "series_date": _short(header.text("SeriesDate")),
        "series_time": _short(header.text("SeriesTime")),
        "pps_date": _short(header.text("PerformedProcedureStepStartDate")),
        "pps_time": _short(header.text("PerformedProcedureStepStartTime")),
        "station_name": _short(header.text("StationName")),
        "manufacturer": _short(header.text("Manufacturer")),
        "model_name": _short(header.text("ManufacturerModelName")),
        "institution": _short(header.text("InstitutionName")),
        "department": _short(header.text("InstitutionalDepartmentName")),
        "performing_physician": _short(header.text("PerformingPhysicianName")),
        "frame_of_reference_uid": _short(header.text("FrameOfReferenceUID")),
        "attributes": _extra(header, SERIES_EXTRA),
    }


def instance_columns(header: Header) -> dict[str, Any]:
    """What differs from instance to instance; frames are at least one so that documents count as one thing."""
    return {
        "number": _integer(header, "InstanceNumber"),
        "frame_count": max(1, min(_integer(header, "NumberOfFrames") or 1, _MOST_FRAMES)),
        "rows": _integer(header, "Rows"),
        "columns": _integer(header, "Columns"),
        "bits_allocated": _integer(header, "BitsAllocated", 2**15 - 1),
        "transfer_syntax_uid": header.transfer_syntax,
        "prefix_bytes": header.prefix_bytes,
        "header_bytes": min(header.header_bytes, 2**31 - 1),
        "problems": list(header.problems[:8]) or None,
    }


def _integer(header: Header, keyword: str, most: int = 2**31 - 1) -> int | None:
    value = header.integer(keyword)
    return value if value is not None and -most <= value <= most else None


def _extra(header: Header, keywords: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for keyword in keywords:
        if keyword in _INSIDE:
            items = _sequence(header, keyword, _INSIDE[keyword]) if header.has(keyword) else []
            if items:
                found[keyword] = items
        elif header.has(keyword):
            values = [_short(value) for value in header.texts(keyword)[:_MOST_ITEMS]]
            if any(values):
                found[keyword] = values
    return found


def _sequence(header: Header, keyword: str, inside: tuple[str, ...]) -> list[dict[str, list[str]]]:
    """The named attributes of up to 16 items, for matching inside a sequence (trap 38)."""
    items = []
    for item in header.sequence(keyword)[:_MOST_ITEMS]:
        found = {name: [_short(value) for value in item.texts(name)[:_MOST_ITEMS]] for name in inside}
        items.append({name: values for name, values in found.items() if any(values)})
    return [item for item in items if item]


def _indexed(text: str, most_bytes: int = _VALUE_BYTES) -> str:
    return _short(text).encode(errors="replace")[:most_bytes].decode(errors="ignore")


def _whole(header: Header, keyword: str) -> str:
    """An identifier is never cut, at a backslash neither: two that differ at their end would become one."""
    return "\\".join(header.texts(keyword)).replace("\0", "").strip()


def _short(text: str) -> str:
    """Bounded, without NUL, which PostgreSQL's text cannot hold."""
    return text[:_LONGEST].replace("\0", "").strip()
