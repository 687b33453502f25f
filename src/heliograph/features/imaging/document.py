"""The series document as a value: building it from DICOM JSON, its stored form, and what is served from it."""

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

FORMAT = 2
BASE = b"\x01"
"""Stands in bulk data addresses for `scheme://host/dicom-web`, which only the request knows. JSON text never holds this byte bare,
so nothing that an object says can be taken for it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One instance. `attributes` is the inside of a JSON object: the attributes that are not shared."""

    instance_id: int
    sop_uid: str
    sop_class_uid: str
    number: int | None
    frame_count: int
    transfer_syntax_uid: str
    digest: str
    size_bytes: int
    blob: str
    attributes: bytes
    frame_table: bytes
    problem: str = ""
    """Why there is no frame table although there are pixels; a code, never a value of the object."""

    def facts(self) -> list[Any]:
        return [
            self.instance_id,
            self.sop_uid,
            self.sop_class_uid,
            self.number,
            self.frame_count,
            self.transfer_syntax_uid,
            self.digest,
            self.size_bytes,
            self.blob,
            base64.b64encode(self.frame_table).decode(),
            self.problem,
        ]


@dataclass(frozen=True, slots=True)
class SeriesDocument:
    """All of one series at one revision, in display order."""

    study_uid: str
    series_uid: str
    revision: int
    settled: bool
    shared: bytes
    entries: tuple[Entry, ...]
    series_id: int = 0  # of the row, not of what is stored
    withheld: int = 0  # objects that are known to be damaged now

    @property
    def etag(self) -> str:
        """By the row and not by the UID, which another organisation may have too."""
        damage = f".{self.withheld}damaged" if self.withheld else ""
        return f"{self.series_id}.{self.revision}{'' if self.settled else '.receiving'}{damage}"

    def metadata(self, base_url: str) -> bytes:
        """WADO-RS metadata of the series (PS3.18 10.4.1.1.2): a JSON array, one object per instance."""
        parts = [_object(self.shared, entry.attributes) for entry in self.entries]
        return b"[" + b",".join(parts).replace(BASE, base_url.encode()) + b"]"

    def instance_metadata(self, sop_uid: str, base_url: str) -> bytes | None:
        """The same for one instance; None when it is not in the series."""
        for entry in self.entries:
            if entry.sop_uid == sop_uid:
                return b"[" + _object(self.shared, entry.attributes).replace(BASE, base_url.encode()) + b"]"
        return None

    def for_viewer(self, base_url: str) -> bytes:
        """The document of our own viewer: shared attributes once, then each instance with what differs."""
        items = []
        for entry in self.entries:
            facts = {
                "id": str(entry.instance_id),
                "sop_uid": entry.sop_uid,
                "sop_class": entry.sop_class_uid,
                "number": entry.number,
                "frames": entry.frame_count,
                "transfer_syntax": entry.transfer_syntax_uid,
                "digest": entry.digest,
                "bytes": entry.size_bytes,
                **({"problem": entry.problem} if entry.problem else {}),
                "frame_urls_base": f"{base_url}/studies/{self.study_uid}/series/{self.series_uid}/instances/{entry.sop_uid}/frames/",
            }
            items.append(_text(facts)[:-1] + b',"attributes":{' + entry.attributes + b"}}")
        head = _text({
            "study_uid": self.study_uid,
            "series_uid": self.series_uid,
            "revision": str(self.revision),
            "settled": self.settled,
            "instance_count": len(self.entries),
        })  # fmt: skip
        body = head[:-1] + b',"shared":{' + self.shared + b'},"instances":[' + b",".join(items) + b"]}"
        return body.replace(BASE, base_url.encode())

    def to_bytes(self) -> bytes:
        """The stored form: one line of facts, then the JSON texts, deflated together."""
        facts = {
            "study_uid": self.study_uid,
            "series_uid": self.series_uid,
            "revision": self.revision,
            "settled": self.settled,
            "shared": len(self.shared),
            "entries": [[len(entry.attributes), *entry.facts()] for entry in self.entries],
        }
        body = [_text(facts), b"\n", self.shared, *(entry.attributes for entry in self.entries)]
        return zlib.compress(b"".join(body), 1)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "SeriesDocument":
        raw = zlib.decompress(stored)
        line, _, texts = raw.partition(b"\n")
        facts = json.loads(line)
        position = facts["shared"]
        shared = texts[:position]
        entries = []
        for length, *values, frame_table, problem in facts["entries"]:
            attributes = texts[position : position + length]
            entries.append(_entry(values, attributes, base64.b64decode(frame_table), problem))
            position += length
        return cls(facts["study_uid"], facts["series_uid"], facts["revision"], facts["settled"], shared, tuple(entries))


def _entry(values: list[Any], attributes: bytes, frame_table: bytes, problem: str) -> Entry:
    number, sop_uid, sop_class, order, frames, syntax, digest, size, blob = values
    return Entry(
        number, sop_uid, sop_class, order, frames, syntax, digest, size, blob, attributes, frame_table, problem
    )


def split_shared(instances: Sequence[dict[str, Any]], base_mark: str) -> tuple[bytes, list[bytes]]:
    """Attributes that every instance has with the same value, and the rest of each, as insides of JSON objects.

    `base_mark` begins the addresses in them; it must be a secret of this call, and becomes BASE.
    """
    mark = base_mark.encode()
    texts = [{tag: _text(value).replace(mark, BASE) for tag, value in instance.items()} for instance in instances]
    if len(texts) < 2:
        return b"", [_inside(text) for text in texts]
    first = texts[0]
    shared = {tag: value for tag, value in first.items() if all(other.get(tag) == value for other in texts[1:])}
    rest = [_inside({tag: value for tag, value in text.items() if tag not in shared}) for text in texts]
    return _inside(shared), rest


def _inside(texts: dict[str, bytes]) -> bytes:
    return b",".join(b'"' + tag.encode() + b'":' + value for tag, value in texts.items())


def _object(shared: bytes, own: bytes) -> bytes:
    return b"{" + shared + (b"," if shared and own else b"") + own + b"}"


def _text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
