"""Part 10 files written quickly: what a series shares is encoded once, each instance adds what differs (PS3.10 7)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_file_meta_info
from pydicom.uid import UID

EXPLICIT = "1.2.840.10008.1.2.1"
RLE = "1.2.840.10008.1.2.5"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
HTJ2K = "1.2.840.10008.1.2.4.201"

IMPLEMENTATION_CLASS = "2.25.302938475610293847561029384756102938475"
IMPLEMENTATION_VERSION = "HELIOGRAPH_DEMO"

Pixels = NDArray[np.generic]


@dataclass(slots=True)
class Instance:
    """What one instance adds to its series: attributes, and pixel frames to encode."""

    attributes: Dataset
    frames: Sequence[Pixels] = field(default=())


def encode_elements(dataset: Dataset, charset: str | Sequence[str]) -> dict[int, bytes]:
    """Every top-level element as its explicit little endian bytes."""
    encodings = convert_encodings(list(charset) if not isinstance(charset, str) else charset)
    found: dict[int, bytes] = {}
    for element in dataset:
        out = DicomBytesIO()
        out.is_little_endian, out.is_implicit_VR = True, False
        write_data_element(out, element, encodings)
        found[int(element.tag)] = out.getvalue()
    return found


def encode_frame(frame: Pixels, syntax: str, bits: int) -> bytes:
    """One frame in a compressed transfer syntax; all are lossless but JPEG baseline."""
    frame = np.ascontiguousarray(frame)
    if syntax == JPEG_LS:
        data = imagecodecs.jpegls_encode(frame)
    elif syntax == HTJ2K:
        data = imagecodecs.htj2k_encode(frame, reversible=True)
    elif syntax == JPEG_2000:
        data = imagecodecs.jpeg2k_encode(frame, reversible=True, codecformat="j2k", bitspersample=bits)
    elif syntax == JPEG_LOSSLESS:
        data = imagecodecs.jpeg8_encode(frame, lossless=True, predictor=1, bitspersample=bits)
    elif syntax == JPEG_BASELINE:
        data = imagecodecs.jpeg8_encode(frame, level=90, optimize=True, subsampling="422" if frame.ndim == 3 else None)
    elif syntax == RLE:
        data = _run_lengths(frame)
    else:
        raise ValueError(f"no encoder for {syntax}")
    return bytes(data)


def _run_lengths(frame: Pixels) -> bytes:
    """RLE segments, most significant byte plane first, each row packed by itself (PS3.5 G)."""
    rows, columns = frame.shape[:2]
    samples = frame.reshape(rows, columns, -1)
    planes: list[NDArray[np.uint8]] = []
    for s in range(samples.shape[2]):
        raw = np.ascontiguousarray(samples[:, :, s]).view(np.uint8).reshape(rows, columns, -1)
        planes.extend(np.ascontiguousarray(raw[:, :, b]) for b in reversed(range(raw.shape[2])))
    segments = []
    for plane in planes:
        packed = b"".join(bytes(imagecodecs.packbits_encode(row.tobytes())) for row in plane)
        segments.append(packed + b"\0" * (len(packed) % 2))
    offsets, at = [len(segments)], 64
    for segment in segments:
        offsets.append(at)
        at += len(segment)
    header = np.zeros(16, "<u4")
    header[: len(offsets)] = offsets
    return header.tobytes() + b"".join(segments)


def pixel_element(frames: Sequence[Pixels], syntax: str, bits: int) -> bytes:
    """The whole Pixel Data element (7FE0,0010), native or encapsulated."""
    tag = b"\xe0\x7f\x10\x00"
    if syntax == EXPLICIT:
        wide = frames[0].dtype.itemsize == 2
        data = b"".join(np.ascontiguousarray(f).astype(f.dtype.newbyteorder("<"), copy=False).tobytes() for f in frames)
        data += b"\0" * (len(data) % 2)
        return tag + (b"OW\0\0" if wide else b"OB\0\0") + len(data).to_bytes(4, "little") + data
    data = encapsulate([encode_frame(f, syntax, bits) for f in frames])
    return tag + b"OB\0\0\xff\xff\xff\xff" + data + b"\xfe\xff\xdd\xe0\0\0\0\0"


def part10(shared: dict[int, bytes], instance: Instance, syntax: str, charset: str | Sequence[str]) -> bytes:
    """One file: preamble, group 0002, the shared and the own elements in tag order."""
    own = instance.attributes
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = UID(str(own.SOPClassUID))
    meta.MediaStorageSOPInstanceUID = UID(str(own.SOPInstanceUID))
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION
    meta.SourceApplicationEntityTitle = "SAMPLE"
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = True, False
    out.write(b"\0" * 128 + b"DICM")
    write_file_meta_info(out, meta)
    elements = shared | encode_elements(own, charset)
    parts = [out.getvalue(), *(elements[tag] for tag in sorted(elements))]
    if instance.frames:
        bits = int(own.BitsStored) if "BitsStored" in own else int.from_bytes(shared[0x00280101][8:10], "little")
        parts.append(pixel_element(instance.frames, syntax, bits))
    return b"".join(parts)
