"""The one table of attributes that a search can match and return, per level; `docs/reference/query-keys.md` is generated from it.

Aliases in the expressions: p patient, st study, se series, i instance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from heliograph.standards.dicom import tags
from heliograph.standards.dicom.matching import NO_WILDCARDS
from heliograph.standards.dicom.query import Level


class Kind(StrEnum):
    """How the value is stored, which decides the SQL of a condition."""

    TEXT = "text"
    NUMBER = "number"
    NAME = "name"
    LIST = "list"
    JSON = "json"
    COUNT = "count"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class Key:
    """One attribute: where it is stored and what it may be asked. `searched`: its words are in study.search_grams."""

    tag: int
    level: Level
    kind: Kind
    sql: str
    folded: str = ""
    required: bool = False
    searched: bool = False

    @property
    def keyword(self) -> str:
        return tags.keyword_of(self.tag)

    @property
    def vr(self) -> str:
        return tags.vr_of(self.tag)


def _key(
    level: Level,
    kind: Kind,
    keyword: str,
    sql: str,
    *,
    folded: str = "",
    required: bool = False,
    searched: bool = False,
) -> Key:
    return Key(tags.tag_of(keyword), level, kind, sql, folded, required, searched)


def _json(level: Level, column: str, *keywords: str) -> Iterator[Key]:
    for keyword in keywords:
        yield Key(tags.tag_of(keyword), level, Kind.JSON, column)


def _patient() -> Iterator[Key]:
    level, text = Level.PATIENT, Kind.TEXT
    yield _key(
        level,
        Kind.NAME,
        "PatientName",
        "st.patient_name",
        folded="st.patient_name_folded",
        required=True,
        searched=True,
    )
    yield _key(level, text, "PatientID", "st.patient_id", required=True, searched=True)
    yield _key(level, text, "IssuerOfPatientID", "st.issuer")
    yield _key(level, text, "PatientBirthDate", "st.birth_date", required=True)
    yield _key(level, text, "PatientSex", "st.sex", required=True)
    yield _key(level, Kind.COUNT, "NumberOfPatientRelatedStudies", "count(*)")
    yield _key(level, Kind.COUNT, "NumberOfPatientRelatedSeries", "sum(other.series_count)")
    yield _key(level, Kind.COUNT, "NumberOfPatientRelatedInstances", "sum(other.instance_count)")
    yield from _json(
        level, "st.attributes", "OtherPatientIDs", "PatientBirthTime", "EthnicGroup", "PatientComments", "ResponsiblePerson",
        "PatientSpeciesDescription",
    )  # fmt: skip


def _study() -> Iterator[Key]:
    level, text = Level.STUDY, Kind.TEXT
    yield _key(level, text, "StudyInstanceUID", "st.study_uid", required=True)
    yield _key(level, text, "StudyDate", "st.study_date", required=True)
    yield _key(level, text, "StudyTime", "st.study_time", required=True)
    yield _key(level, text, "TimezoneOffsetFromUTC", "st.timezone_offset", required=True)
    yield _key(level, text, "AccessionNumber", "st.accession_number", required=True, searched=True)
    yield _key(level, text, "StudyID", "st.study_id", required=True)
    yield _key(level, text, "StudyDescription", "st.description", searched=True)
    yield _key(
        level,
        Kind.NAME,
        "ReferringPhysicianName",
        "st.referring_physician",
        folded="st.referring_physician_folded",
        required=True,
    )
    yield _key(level, Kind.LIST, "ModalitiesInStudy", "st.modalities", required=True)
    yield _key(level, Kind.LIST, "SOPClassesInStudy", "st.sop_classes")
    yield _key(level, Kind.NUMBER, "NumberOfStudyRelatedSeries", "st.series_count", required=True)
    yield _key(level, Kind.NUMBER, "NumberOfStudyRelatedInstances", "st.instance_count", required=True)
    yield from _json(
        level, "st.attributes", "PatientAge", "PatientSize", "PatientWeight", "Occupation", "AdditionalPatientHistory", "MedicalAlerts",
        "Allergies", "PregnancyStatus", "AdmittingDiagnosesDescription", "NameOfPhysiciansReadingStudy", "PhysiciansOfRecord",
        "RequestingPhysician", "RequestingService", "ReasonForStudy", "StudyComments", "AdmissionID", "CurrentPatientLocation",
        "ProcedureCodeSequence", "IssuerOfAccessionNumberSequence",
    )  # fmt: skip


def _series() -> Iterator[Key]:
    level, text = Level.SERIES, Kind.TEXT
    yield _key(level, text, "SeriesInstanceUID", "se.series_uid", required=True)
    yield _key(level, Kind.NUMBER, "SeriesNumber", "se.number", required=True)
    yield _key(level, text, "Modality", "se.modality", required=True)
    yield _key(level, text, "SeriesDescription", "se.description", required=True)
    yield _key(level, text, "BodyPartExamined", "se.body_part")
    yield _key(level, text, "Laterality", "se.laterality")
    yield _key(level, text, "ProtocolName", "se.protocol_name")
    yield _key(level, text, "SeriesDate", "se.series_date")
    yield _key(level, text, "SeriesTime", "se.series_time")
    yield _key(level, text, "PerformedProcedureStepStartDate", "se.pps_date", required=True)
    yield _key(level, text, "PerformedProcedureStepStartTime", "se.pps_time", required=True)
    yield _key(level, text, "StationName", "se.station_name")
    yield _key(level, text, "Manufacturer", "se.manufacturer")
    yield _key(level, text, "ManufacturerModelName", "se.model_name")
    yield _key(level, text, "InstitutionName", "se.institution")
    yield _key(level, text, "InstitutionalDepartmentName", "se.department")
    yield _key(level, Kind.NAME, "PerformingPhysicianName", "se.performing_physician")
    yield _key(level, text, "FrameOfReferenceUID", "se.frame_of_reference_uid")
    yield _key(level, Kind.NUMBER, "NumberOfSeriesRelatedInstances", "se.instance_count", required=True)
    yield from _json(
        level, "se.attributes", "RequestAttributesSequence", "OperatorsName", "ViewPosition", "PatientPosition", "SeriesType",
        "SoftwareVersions", "DeviceSerialNumber", "AcquisitionNumber", "PerformedProcedureStepID", "PerformedProcedureStepDescription",
        "SequenceName", "ScanningSequence", "SliceThickness", "ContrastBolusAgent", "SpacingBetweenSlices", "ConvolutionKernel",
        "MagneticFieldStrength", "PresentationIntentType", "CommentsOnThePerformedProcedureStep",
    )  # fmt: skip


def _image() -> Iterator[Key]:
    level, text, number = Level.IMAGE, Kind.TEXT, Kind.NUMBER
    yield _key(level, text, "SOPInstanceUID", "i.sop_uid", required=True)
    yield _key(level, text, "SOPClassUID", "i.sop_class_uid", required=True)
    yield _key(level, number, "InstanceNumber", "i.number", required=True)
    yield _key(level, text, "AvailableTransferSyntaxUID", "i.transfer_syntax_uid", required=True)
    yield _key(level, number, "NumberOfFrames", "nullif(i.frame_count, 1)", required=True)
    yield _key(level, number, "Rows", "i.rows", required=True)
    yield _key(level, number, "Columns", "i.columns", required=True)
    yield _key(level, number, "BitsAllocated", "i.bits_allocated", required=True)
    yield _key(level, Kind.FIXED, "InstanceAvailability", "ONLINE", required=True)


@cache
def keys() -> dict[int, Key]:
    """Every key by its tag."""
    return {key.tag: key for make in (_patient, _study, _series, _image) for key in make()}


SCOPED: Final = frozenset({tags.tag_of("InstanceAvailability")})
"""Answered at every level, whatever level the table says."""


OF_THE_DOOR: Final = frozenset(
    tags.tag_of(word)
    for word in ("RetrieveURL", "RetrieveAETitle", "RetrieveLocationUID", "SpecificCharacterSet", "QueryRetrieveLevel")
)
"""Filled in by the door that answers; no object is asked for them."""


def returned(level: Level, *, everything: bool = False) -> tuple[int, ...]:
    """What QIDO-RS answers at a level without being asked (PS3.18 10.6.3.3); `everything` adds the optional keys of the level."""
    wanted = {level} | ({Level.PATIENT} if level is Level.STUDY else set())
    return tuple(
        key.tag for key in keys().values()
        if (key.level in wanted and (key.required or (everything and key.kind is not Kind.COUNT))) or key.tag in SCOPED
    )  # fmt: skip


def reference() -> str:
    """The keys as a page of the documentation."""
    lines = [
        "# Query keys",
        "",
        "What C-FIND and QIDO-RS can match and return. A query at one level may use the keys of every level (relational queries).",
        "At image level any further attribute is read from the object's header.",
        "",
    ]
    for level in Level:
        lines += [f"## {level.value.title()} level", "", "| Attribute | Tag | VR | Matching |", "|---|---|---|---|"]
        for key in sorted((key for key in keys().values() if key.level is level), key=lambda key: key.tag):
            name = f"**{key.keyword}**" if key.required else key.keyword
            lines.append(f"| {name} | {tags.text_of(key.tag)} | {key.vr} | {matching_of(key)} |")
        lines.append("")
    lines.append("Bold: answered by QIDO-RS without being asked.")
    return "\n".join(lines) + "\n"


def matching_of(key: Key) -> str:
    """The kinds of matching that apply, in words."""
    if key.kind in (Kind.COUNT, Kind.FIXED):
        return "returned only"
    if key.vr == "SQ":
        return "sequence"
    if key.vr == "PN":
        return "single value, wildcard, fuzzy; case and accents folded"
    if key.vr in ("DA", "TM", "DT"):
        return "single value, range"
    return "single value, list" if key.vr in NO_WILDCARDS else "single value, list, wildcard"
