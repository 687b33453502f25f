"""Uncompressed frames agree with the attributes that their reader has: colour space, subsampling, planes (traps 11, 12)."""

from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.pixels.processing import convert_color_space

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import uids
from heliograph.standards.dicom.described import described_frame
from heliograph.standards.dicom.image import ImageSpec

ROWS, COLUMNS = 16, 24
RGB = ImageSpec(ROWS, COLUMNS, 3, 8, 8, 7, False, "RGB")


def _picture() -> NDArray[np.uint8]:
    """Smooth, so that what JPEG and the mean of two columns change stays small; no two channels alike."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    return np.stack([40 + 8 * y, 200 - 5 * x, 60 + 4 * x + 3 * y], axis=-1).astype(np.uint8)


def _jpeg(rgb: NDArray[np.uint8]) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(rgb, level=100, colorspace="RGB", outcolorspace="YCBCR", subsampling="444"))


def _shown(ybr: NDArray[np.uint8]) -> NDArray[np.int16]:
    return np.asarray(convert_color_space(ybr, "YBR_FULL", "RGB")).astype(np.int16)


def test_a_jpeg_frame_that_is_called_ybr_full_comes_as_ybr_full() -> None:
    data = described_frame(replace(RGB, photometric="YBR_FULL"), _jpeg(_picture()), uids.JPEG_BASELINE)
    ybr = np.frombuffer(data, np.uint8).reshape(ROWS, COLUMNS, 3)
    assert np.abs(_shown(ybr) - _picture()).max() <= 4


def test_a_jpeg_frame_that_is_called_ybr_full_422_comes_as_two_lumas_and_their_chroma() -> None:
    data = described_frame(replace(RGB, photometric="YBR_FULL_422"), _jpeg(_picture()), uids.JPEG_BASELINE)
    assert len(data) == ROWS * COLUMNS * 2
    quads = np.frombuffer(data, np.uint8).reshape(ROWS, COLUMNS // 2, 4)
    ybr = np.empty((ROWS, COLUMNS, 3), np.uint8)
    ybr[:, 0::2, 0], ybr[:, 1::2, 0] = quads[..., 0], quads[..., 1]
    ybr[..., 1:] = np.repeat(quads[..., 2:], 2, axis=1)
    assert np.abs(_shown(ybr) - _picture()).max() <= 8


def test_a_jpeg_frame_that_is_called_rgb_stays_rgb() -> None:
    data = described_frame(RGB, _jpeg(_picture()), uids.JPEG_BASELINE)
    assert np.abs(np.frombuffer(data, np.uint8).reshape(_picture().shape).astype(int) - _picture()).max() <= 3


@pytest.mark.parametrize("photometric", ["YBR_RCT", "YBR_ICT"])
def test_the_transforms_of_jpeg_2000_end_with_it(photometric: str) -> None:
    coded = bytes(imagecodecs.jpeg2k_encode(_picture(), level=0, codecformat="j2k", mct=True, reversible=True))
    data = described_frame(replace(RGB, photometric=photometric), coded, uids.JPEG_2000_LOSSLESS)
    assert data == _picture().tobytes()


def test_planes_come_where_the_attributes_say_planes() -> None:
    planes = np.ascontiguousarray(np.moveaxis(_picture(), -1, 0))
    coded = bytes(imagecodecs.jpegls_encode(_picture()))
    assert described_frame(replace(RGB, planar=True), coded, uids.JPEG_LS_LOSSLESS) == planes.tobytes()
    assert described_frame(RGB, coded, uids.JPEG_LS_LOSSLESS) == _picture().tobytes()


def test_big_endian_planes_of_sixteen_bits_stay_planes() -> None:
    spec = replace(RGB, bits_allocated=16, bits_stored=16, high_bit=15, planar=True)
    planes = np.moveaxis(_picture().astype(np.uint16) * 257, -1, 0)
    assert (
        described_frame(spec, planes.astype(">u2").tobytes(), uids.EXPLICIT_VR_BIG_ENDIAN)
        == planes.astype("<u2").tobytes()
    )


@pytest.mark.parametrize(
    "spec", [replace(RGB, photometric="YBR_PARTIAL_420"), replace(RGB, photometric="YBR_PARTIAL_422")]
)
def test_what_cannot_be_as_described_is_not_sent(spec: ImageSpec) -> None:
    with pytest.raises(Invalid) as refused:
        described_frame(spec, _jpeg(_picture()), uids.JPEG_BASELINE)
    assert refused.value.code == "not_acceptable"


def test_an_odd_row_cannot_be_subsampled() -> None:
    odd = np.ascontiguousarray(_picture()[:, :-1])
    spec = replace(RGB, columns=COLUMNS - 1, photometric="YBR_FULL_422")
    with pytest.raises(Invalid, match="transfer-syntax"):
        described_frame(spec, _jpeg(odd), uids.JPEG_BASELINE)
