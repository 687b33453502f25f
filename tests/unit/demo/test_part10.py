"""Files are valid Part 10 and lossless transfer syntaxes give back what went in."""

import io

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import generate_frames

from heliograph.demo import _part10
from heliograph.demo._documents import pdf
from heliograph.demo._part10 import Instance, encode_elements, encode_frame, part10
from heliograph.demo._study import Study, grey
from heliograph.demo.catalogue import exams

DECODERS = {
    _part10.JPEG_LS: imagecodecs.jpegls_decode,
    _part10.HTJ2K: imagecodecs.htj2k_decode,
    _part10.JPEG_2000: imagecodecs.jpeg2k_decode,
    _part10.JPEG_LOSSLESS: imagecodecs.jpeg8_decode,
}


@pytest.mark.parametrize("syntax", sorted(DECODERS))
def test_compressed_frames_decode_to_the_same_values(syntax: str) -> None:
    frame = np.random.default_rng(0).integers(0, 4096, (48, 64)).astype(np.uint16)
    assert np.array_equal(DECODERS[syntax](encode_frame(frame, syntax, 12)), frame)


def _file(frames: list[np.ndarray], syntax: str, *, samples: int = 1) -> bytes:
    from tests.unit.demo.conftest import TODAY

    study = Study(next(e for e in exams(1) if e.key == "letter"), 1, TODAY)
    shared = study.series(1, "OT", "test", model="test")
    bits = frames[0].dtype.itemsize * 8
    grey(shared, frames[0].shape[:2], allocated=bits, stored=bits)
    if samples == 3:
        shared.SamplesPerPixel, shared.PhotometricInterpretation, shared.PlanarConfiguration = 3, "RGB", 0
    shared.NumberOfFrames = len(frames)
    own = study.instance("1.2.840.10008.5.1.4.1.1.7", 1, 1)
    return part10(encode_elements(shared, "ISO_IR 100"), Instance(own, frames), syntax, "ISO_IR 100")


@pytest.mark.parametrize(("dtype", "samples"), [(np.uint16, 1), (np.uint8, 1), (np.uint8, 3)])
@pytest.mark.parametrize("syntax", [_part10.EXPLICIT, _part10.RLE])
def test_pydicom_reads_what_is_written(dtype: type, samples: int, syntax: str) -> None:
    shape = (33, 47) if samples == 1 else (33, 47, 3)
    rng = np.random.default_rng(1)
    frames = [np.repeat(rng.integers(0, 200, shape).astype(dtype), 1, 0) for _ in range(3)]
    ds = pydicom.dcmread(io.BytesIO(_file(frames, syntax, samples=samples)))
    assert np.array_equal(ds.pixel_array, np.array(frames))
    assert ds.file_meta.TransferSyntaxUID == syntax
    tags = [int(e.tag) for e in ds]
    assert tags == sorted(tags)


def test_jpeg_baseline_is_close_and_declares_subsampling() -> None:
    y, x = np.mgrid[0:64, 0:64]
    frame = np.stack([x * 3, y * 3, x + y], axis=2).astype(np.uint8)
    data = _file([frame], _part10.JPEG_BASELINE, samples=3)
    ds = pydicom.dcmread(io.BytesIO(data))
    coded = next(generate_frames(ds.PixelData, number_of_frames=1))
    assert np.abs(imagecodecs.jpeg8_decode(coded).astype(int) - frame).mean() < 4
    start = coded.index(b"\xff\xc0")
    assert coded[start + 11] == 0x21, "luminance sampled 2x1: YBR_FULL_422"


def test_pdf_has_a_true_cross_reference_table() -> None:
    data = pdf("A (title)", ["one \\ line"])
    start = int(data.split(b"startxref\n")[1].split(b"\n")[0])
    assert data[start : start + 4] == b"xref"
    entries = [line for line in data[start:].split(b"\n") if line.endswith(b" n ")]
    for number, entry in enumerate(entries, 1):
        offset = int(entry.split()[0])
        assert data[offset:].startswith(b"%d 0 obj" % number)
