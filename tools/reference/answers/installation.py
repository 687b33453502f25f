"""The installation itself: versions, doors, storage, settings."""

from typing import Literal

from tools.reference.answers._answer import Answer


class DicomDoor(Answer):
    aet: str
    host: str
    port: int


class Counts(Answer):
    studies: int
    instances: int
    bytes: int
    held: int


class Storage(Answer):
    kind: str
    free_bytes: int | None


class About(Answer):
    version: str
    site: str
    dicom: DicomDoor
    dicomweb: str
    counts: Counts
    storage: Storage


class Setting(Answer):
    name: str
    value: str | int | float | bool | None
    source: Literal["flag", "env", "file", "default"]
    doc: str


class Settings(Answer):
    items: list[Setting]
