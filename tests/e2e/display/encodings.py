"""A subject as one DICOM object in each encoding that can hold it. What a lossy one holds is read back by numpy's own decoders."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from struct import pack
from typing import Any

import imagecodecs
import numpy as np
from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from tests.e2e.display.subjects import Subject
from tests.e2e.pictures import Pixels

Encode = Callable[[Pixels, Subject], bytes]
Fits = Callable[[Subject], bool]
PIXEL_DATA = 0x7FE00010
# pydicom knows no JPEG XL: such objects are written under a name of the same length that it does know.
_STAND_IN = "1.2.840.10008.1.2.4.201"


@dataclass(frozen=True, slots=True)
class Encoding:
    """A transfer syntax and how one frame is written in it; no `encode`: the native bytes."""

    name: str
    uid: str
    encode: Encode | None = None
    fits: Fits = lambda _: True
    decode: Callable[[bytes], Pixels] | None = None
    photometric: str = ""

    @property
    def is_lossy(self) -> bool:
        return self.decode is not None

    def holds(self, subject: Subject) -> bool:
        if self.encode is None:
            return True
        if subject.native_only and not (
            self.name == "RLE" and subject.bits >= 8 and "422" not in _photometric(subject)
        ):
            return False
        return not (self.is_lossy and (subject.lossless_only or subject.signed)) and self.fits(subject)


def _photometric(subject: Subject) -> str:
    return str(subject.attributes.get("PhotometricInterpretation", "RGB" if subject.colour else "MONOCHROME2"))


def _cells(frame: Pixels, subject: Subject) -> Pixels:
    """Signed values as the bit patterns that a codec without a sign takes."""
    if frame.dtype.kind != "i":
        return np.ascontiguousarray(frame)
    return np.ascontiguousarray(frame.view(np.uint16) & ((1 << subject.bits) - 1))


def _rle(frame: Pixels, subject: Subject) -> bytes:
    """PS3.5 G: byte planes, the most significant first, each row packed by itself."""
    samples = [frame[..., index] for index in range(3)] if subject.colour else [frame]
    segments = []
    for sample in samples:
        planes = np.ascontiguousarray(sample).view(np.uint8).reshape(*sample.shape, sample.itemsize)
        for byte in reversed(range(sample.itemsize)):
            packed = b"".join(imagecodecs.packbits_encode(row.tobytes()) for row in planes[..., byte])
            segments.append(packed + b"\0" * (len(packed) % 2))
    starts = [64 + sum(map(len, segments[:index])) for index in range(len(segments))]
    head = pack(f"<{1 + len(starts)}L", len(segments), *starts)
    return head + b"\0" * (64 - len(head)) + b"".join(segments)


def _jpeg_lossless(predictor: int) -> Encode:
    def encode(frame: Pixels, subject: Subject) -> bytes:
        space = {"colorspace": "rgb", "outcolorspace": "rgb"} if subject.colour else {}
        cells = _cells(frame, subject)
        return bytes(
            imagecodecs.jpeg8_encode(
                cells, lossless=True, predictor=predictor, bitspersample=max(8, subject.bits), **space
            )
        )

    return encode


def _jpeg(frame: Pixels, subject: Subject) -> bytes:
    more: dict[str, Any] = (
        {"colorspace": "rgb", "subsampling": "422"} if subject.colour else {"bitspersample": max(8, subject.bits)}
    )
    return bytes(imagecodecs.jpeg8_encode(frame, 95, **more))


def _j2k(*, reversible: bool) -> Encode:
    def encode(frame: Pixels, subject: Subject) -> bytes:
        mct = subject.colour and _photometric(subject) == "RGB"
        level = 0 if reversible else 60
        bits = None if subject.signed or subject.colour else max(8, subject.bits)
        return bytes(
            imagecodecs.jpeg2k_encode(
                frame, level, codecformat="j2k", reversible=reversible, mct=mct, bitspersample=bits
            )
        )

    return encode


def _htj2k(*, reversible: bool, **more: Any) -> Encode:
    def encode(frame: Pixels, subject: Subject) -> bytes:
        level = {} if reversible else {"level": 0.002}
        rgb = subject.colour and _photometric(subject) == "RGB"
        return bytes(
            imagecodecs.htj2k_encode(np.ascontiguousarray(frame), reversible=reversible, rgb=rgb, **level, **more)
        )

    return encode


def _jpegxl(frame: Pixels, subject: Subject) -> bytes:
    return bytes(imagecodecs.jpegxl_encode(frame, lossless=True, usecontainer=False))


def _jpegxl_lossy(frame: Pixels, subject: Subject) -> bytes:
    return bytes(imagecodecs.jpegxl_encode(frame, distance=0.5, usecontainer=False))


def _unsigned(subject: Subject) -> bool:
    return not subject.signed


def _bits(*allowed: int) -> Fits:
    return lambda subject: subject.bits in allowed and not subject.signed and _photometric(subject) != "YBR_FULL"


def _not_ybr(subject: Subject) -> bool:
    return not subject.signed and _photometric(subject) != "YBR_FULL"


_DOT4 = "1.2.840.10008.1.2.4."
BASE = Encoding("Explicit LE", "1.2.840.10008.1.2.1")
ENCODINGS = (
    BASE,
    Encoding("Implicit LE", "1.2.840.10008.1.2"),
    Encoding("Explicit BE", "1.2.840.10008.1.2.2"),
    Encoding("Deflated", "1.2.840.10008.1.2.1.99"),
    Encoding("RLE", "1.2.840.10008.1.2.5", _rle, lambda subject: subject.bits >= 8),
    Encoding("JPEG lossless", f"{_DOT4}57", _jpeg_lossless(4)),
    Encoding("JPEG lossless SV1", f"{_DOT4}70", _jpeg_lossless(1)),
    Encoding("JPEG-LS", f"{_DOT4}80", lambda frame, subject: bytes(imagecodecs.jpegls_encode(_cells(frame, subject)))),
    Encoding("JPEG 2000 lossless", f"{_DOT4}90", _j2k(reversible=True), photometric="YBR_RCT"),
    Encoding("HTJ2K lossless", f"{_DOT4}201", _htj2k(reversible=True), photometric="YBR_RCT"),
    Encoding("HTJ2K RPCL", f"{_DOT4}202", _htj2k(reversible=True, resolutions=4, tlm=True, tilepart=1), photometric="YBR_RCT"),
    Encoding("JPEG XL lossless", f"{_DOT4}110", _jpegxl, _not_ybr),
    Encoding("JPEG baseline", f"{_DOT4}50", _jpeg, _bits(8), imagecodecs.jpeg8_decode, "YBR_FULL_422"),
    Encoding("JPEG extended", f"{_DOT4}51", _jpeg, lambda subject: subject.bits == 12, imagecodecs.jpeg8_decode),
    Encoding(
        "JPEG-LS near lossless", f"{_DOT4}81", lambda frame, _: bytes(imagecodecs.jpegls_encode(frame, 2)), _not_ybr,
        imagecodecs.jpegls_decode,
    ),
    Encoding("JPEG 2000", f"{_DOT4}91", _j2k(reversible=False), _not_ybr, imagecodecs.jpeg2k_decode, "YBR_ICT"),
    Encoding("HTJ2K", f"{_DOT4}203", _htj2k(reversible=False), _not_ybr, imagecodecs.htj2k_decode, "YBR_ICT"),
    Encoding("JPEG XL", f"{_DOT4}112", _jpegxl_lossy, _not_ybr, imagecodecs.jpegxl_decode),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """One object of the suite, where it lies, and between which levels each pixel of its frames must be."""

    subject: Subject
    encoding: Encoding
    sop_uid: str
    path: Path
    truth: tuple[tuple[Pixels, Pixels], ...]


def write(subject: Subject, encoding: Encoding, ds: Dataset, path: Path) -> Cell:
    """Fills in the picture; `ds` brings identity and place."""
    _describe(ds, subject, encoding)
    held = subject.frames
    if encoding.encode is None:
        _native(ds, subject, encoding)
    else:
        encoded = [encoding.encode(frame, subject) for frame in subject.frames]
        ds.add_new(PIXEL_DATA, "OB", encapsulate([frame + b"\0" * (len(frame) % 2) for frame in encoded]))
        ds[PIXEL_DATA].is_undefined_length = True
        if encoding.decode is not None:
            held = tuple(np.asarray(encoding.decode(frame)) for frame in encoded)
            ds.LossyImageCompression = "01"
    ds.file_meta = FileMetaDataset()
    is_known = not encoding.name.startswith("JPEG XL")
    ds.file_meta.TransferSyntaxUID = UID(encoding.uid if is_known else _STAND_IN)
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    dcmwrite(
        path,
        ds,
        implicit_vr=encoding.name == "Implicit LE",
        little_endian=encoding.name != "Explicit BE",
        enforce_file_format=True,
    )
    if not is_known:
        path.write_bytes(path.read_bytes().replace(_STAND_IN.encode(), encoding.uid.encode(), 1))
    truth = tuple(_between(subject, frame, index, lossy=encoding.is_lossy) for index, frame in enumerate(held))
    return Cell(subject, encoding, str(ds.SOPInstanceUID), path, truth)


def _between(subject: Subject, held: Pixels, index: int, *, lossy: bool) -> tuple[Pixels, Pixels]:
    """One level for each pixel; two decoders of a lossy stream may round a stored value up and down."""
    wide = held.astype(np.int32)
    steps = (
        [subject.levels(np.clip(wide + step, 0, (1 << subject.bits) - 1), index) for step in (-1, 0, 1)]
        if lossy
        else []
    )
    if not steps:
        steps = [subject.levels(held, index)]
    return np.minimum.reduce(steps), np.maximum.reduce(steps)


def _describe(ds: Dataset, subject: Subject, encoding: Encoding) -> None:
    first = subject.frames[0]
    ds.SOPClassUID = UID(subject.sop_class)
    ds.Modality = subject.modality
    ds.Rows, ds.Columns = first.shape[:2]
    ds.SamplesPerPixel = 3 if subject.colour else 1
    ds.PhotometricInterpretation = _photometric(subject)
    if subject.colour:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = 1 if subject.bits == 1 else first.itemsize * 8
    ds.BitsStored, ds.HighBit = subject.bits, subject.bits - 1
    ds.PixelRepresentation = int(subject.signed)
    if len(subject.frames) > 1:
        ds.NumberOfFrames = len(subject.frames)
    for keyword, value in subject.attributes.items():
        setattr(ds, keyword, value)
    if subject.name.startswith("VOI LUT, first input negative"):
        ds.BitsStored, ds.HighBit = 16, 15
    if encoding.photometric and _photometric(subject) == "RGB":
        ds.PhotometricInterpretation = encoding.photometric


def _native(ds: Dataset, subject: Subject, encoding: Encoding) -> None:
    data = b"".join(_bytes(frame, ds, subject) for frame in subject.frames)
    ds.add_new(PIXEL_DATA, "OW" if ds.BitsAllocated > 8 else "OB", data + b"\0" * (len(data) % 2))
    if encoding.name == "Explicit BE":
        _swap(ds)


def _bytes(frame: Pixels, ds: Dataset, subject: Subject) -> bytes:
    if subject.bits == 1:
        return np.packbits(frame.ravel(), bitorder="little").tobytes()
    if ds.PhotometricInterpretation == "YBR_FULL_422":
        pairs = [frame[:, 0::2, 0], frame[:, 1::2, 0], frame[:, 0::2, 1], frame[:, 0::2, 2]]
        return np.stack(pairs, axis=-1).tobytes()
    if subject.colour and ds.PlanarConfiguration == 1:
        return np.moveaxis(frame, -1, 0).tobytes()
    return np.ascontiguousarray(frame).tobytes()


def _swap(ds: Dataset) -> None:
    """Values of words turned round; the library writes them as they are."""
    for element in ds:
        if element.VR == "SQ":
            for item in element.value:
                _swap(item)
        elif element.VR == "OW":
            element.value = np.frombuffer(element.value, "<u2").astype(">u2").tobytes()
