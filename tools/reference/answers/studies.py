"""Studies, series and instances, as the list and the viewer read them."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from tools.reference.answers._answer import Answer, Page
from tools.reference.answers.policy import Restriction, Withheld

State = Literal["receiving", "settled"]
Relation = Literal["prior", "later", "undated"]
DicomJson = dict[str, dict[str, Any]]


class Patient(Answer):
    """Names as sent: `alphabetic=ideographic=phonetic` (PS3.5 6.2)."""

    id: str
    name: str
    patient_id: str
    issuer: str
    birth_date: str
    sex: str


class Study(Answer):
    id: str
    study_uid: str
    patient: Patient
    study_date: str
    study_time: str
    timezone_offset: str
    accession_number: str
    description: str
    modalities: list[str]
    body_part: str
    institution: str
    referring_physician: str
    series_count: int
    instance_count: int
    bytes: int
    state: State
    received_at: datetime
    last_received_at: datetime
    held_count: int
    unverified: bool
    source: str
    revision: str
    restriction: Restriction
    prior_count: int


class Series(Answer):
    id: str
    series_uid: str
    number: int | None
    modality: str
    description: str
    body_part: str
    laterality: str
    instance_count: int
    frame_count: int
    state: State
    revision: str
    thumbnail_url: str
    document_url: str
    held_count: int


class HungSeries(Series):
    """`copies_url`: where to ask which of its images can be read smallest first; null when none can."""

    copies_url: str | None


class StudyPage(Page):
    items: list[Study]
    count: int
    count_is_exact: bool
    withheld: list[Withheld]


class StudyWithSeries(Study):
    series: list[Series]


class HangingSeries(HungSeries):
    """`facts`: what hanging protocols ask of a series; derived words, the same for every object of the kind."""

    facts: dict[str, Any]


class HangingStudy(Answer):
    """What hanging protocols ask of a study."""

    modalities: list[str]
    body_part: str
    body_parts: list[str]
    laterality: str
    planes: list[str]
    families: list[str]
    kernels: list[str]
    views: list[str]
    tomosynthesis: bool
    contrast: bool
    series_count: int
    picture_count: int


class Relevance(Answer):
    """0 to 100, and why."""

    score: int
    reasons: list[str]


class OtherStudy(Study):
    """`documents`: reports and papers in it; `series`: of the earlier studies that are nearest to the one asked for."""

    relation: Relation
    relevance: Relevance
    documents: int
    series: list[HangingSeries] = Field(default=[])


class Difference(Answer):
    attribute: str
    stored: str
    held: str


class HeldOfStudy(Answer):
    id: UUID
    received_at: datetime
    reason_code: str
    reason: str
    source: str
    difference: list[Difference]


class OpenGlass(Answer):
    id: UUID
    expires_at: datetime


class Manifest(Answer):
    """`priors` are all other studies of the patient, each with its relation; `instance_count` is the live count; `emergency`: the broken
    glass through which the patient is seen."""

    study: Study
    revision: str
    instance_count: int
    series: list[HangingSeries]
    hanging: HangingStudy
    priors: list[OtherStudy]
    held: list[HeldOfStudy]
    emergency: OpenGlass | None


class CopyOfInstance(Answer):
    """`frames`: of each frame, by how many bytes of the copy each resolution is whole, smallest first; empty for one without a copy."""

    id: str
    instance_id: str
    digest: str
    frames: list[list[int]]


class SeriesCopies(Answer):
    """The copy of a frame is read at `{frame}/copy/{digest}-{id}`, HTJ2K in RPCL order, by ranges; `mark` changes with every copy."""

    mark: str
    items: list[CopyOfInstance]


class HeldOfStudies(Answer):
    items: list[HeldOfStudy]


class Instance(Answer):
    id: str
    sop_uid: str
    sop_class: str
    number: int | None
    frames: int
    transfer_syntax: str
    digest: str
    bytes: int
    frame_urls_base: str
    attributes: DicomJson


class SeriesDocument(Answer):
    """The metadata of an instance is `shared` and its `attributes` together (PS3.18 F)."""

    study_uid: str
    series_uid: str
    revision: str
    settled: bool
    instance_count: int
    shared: DicomJson
    instances: list[Instance]
