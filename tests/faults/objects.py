"""An endless supply of small and large CT objects, each different, cheap to make while a server is being killed."""

import hashlib
import io
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from pydicom import dcmwrite
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from tests import phantoms

SIDES = (32, 32, 32, 96, 160, 512)
PER_STUDY = 25
_ROOT = "1.2.826.0.1.3680043.9.7433.8"
_STUDY, _SERIES, _OBJECT = (f"{_ROOT}.{kind}.1000000000.1000000000" for kind in (1, 2, 3))


@dataclass(frozen=True, slots=True)
class Object:
    """One instance as it goes over the wire."""

    study_uid: str
    series_uid: str
    sop_uid: str
    dataset: bytes = field(repr=False)
    sop_class: str = CTImageStorage
    transfer_syntax: str = ExplicitVRLittleEndian

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.dataset).hexdigest()

    @property
    def context(self) -> tuple[str, str]:
        return self.sop_class, self.transfer_syntax


@cache
def _template(side: int) -> bytes:
    """A data set without pixels whose UIDs are placeholders of the final length."""
    ds = phantoms.header(phantoms.Shape(1, rows=side, columns=side, name="Fault^Phantom", patient="FAULT"), 1)
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = _STUDY, _SERIES, _OBJECT
    ds.PixelData = bytes(side * side * 2)
    ds["PixelData"].VR = "OW"
    out = io.BytesIO()
    dcmwrite(out, ds, implicit_vr=False, little_endian=True)
    return out.getvalue()[: -side * side * 2]


def objects(lane: int, seed: int) -> Iterator[Object]:
    """Objects of one sender: equal lanes and seeds give equal UIDs; every 25th begins a new study."""
    dice, number = random.Random(f"{lane}/{seed}"), 0
    lane_id = 1_000_000_000 + (seed % 100_000) * 1000 + lane
    while True:
        side = dice.choice(SIDES)
        study = 1_000_000_000 + number // PER_STUDY
        uids = {
            _STUDY: f"{_ROOT}.1.{lane_id}.{study}",
            _SERIES: f"{_ROOT}.2.{lane_id}.{study}",
            _OBJECT: f"{_ROOT}.3.{lane_id}.{1_000_000_000 + number}",
        }
        head = _template(side)
        for old, new in uids.items():
            head = head.replace(old.encode(), new.encode())
        yield Object(uids[_STUDY], uids[_SERIES], uids[_OBJECT], head + os.urandom(side * side * 2))
        number += 1
