"""Copies show the very values of their frames, whole, and each prefix is the same picture halved (guards 1 and 11)."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.kit.errors import Broken
from heliograph.standards.dicom import uids
from heliograph.standards.dicom.image import ImageSpec
from heliograph.standards.dicom.pixels import decode_frame
from heliograph.standards.dicom.progressive import (
    SOURCES,
    TRANSFER_SYNTAX,
    is_worth,
    progressive_frame,
    resolution_ends,
)  # fmt: skip
from heliograph.standards.dicom.transcode import transcode_frame


def spec_of(
    rows: int, columns: int, stored: int, *, signed: bool = False, samples: int = 1, allocated: int = 0
) -> ImageSpec:
    allocated = allocated or (8 if stored <= 8 else 16)
    return ImageSpec(
        rows, columns, samples, allocated, stored, stored - 1, signed, "RGB" if samples == 3 else "MONOCHROME2"
    )


def native(spec: ImageSpec, seed: int) -> bytes:
    """Noise over a gradient that uses every value that the stored bits can hold."""
    random = np.random.default_rng(seed)
    low, high = (
        (-(1 << (spec.bits_stored - 1)), (1 << (spec.bits_stored - 1)) - 1)
        if spec.signed
        else (0, (1 << spec.bits_stored) - 1)
    )
    shape = (spec.rows, spec.columns) if spec.samples == 1 else (spec.rows, spec.columns, spec.samples)
    ramp = np.linspace(low, high, int(np.prod(shape))).reshape(shape)
    noisy = np.clip(ramp + random.normal(0, (high - low) / 20, shape), low, high).astype(np.int64)
    noisy.reshape(-1)[0], noisy.reshape(-1)[-1] = low, high
    mask = (1 << spec.bits_stored) - 1
    cells: bytes = (noisy & mask).astype(f"<u{spec.cell_bytes}").tobytes()
    return cells


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.integers(1, 150), columns=st.integers(1, 150), stored=st.integers(8, 16), signed=st.booleans(),
    colour=st.booleans(), seed=st.integers(0, 1000),
)  # fmt: skip
def test_a_copy_decodes_to_the_stored_values(
    rows: int, columns: int, stored: int, signed: bool, colour: bool, seed: int
) -> None:
    spec = spec_of(rows, columns, 8, samples=3) if colour else spec_of(rows, columns, stored, signed=signed)
    frame = native(spec, seed)
    made = progressive_frame(spec, frame, uids.EXPLICIT_VR_LITTLE_ENDIAN)
    ends = resolution_ends(made)
    assert list(ends) == sorted(set(ends)), "each resolution adds something"
    assert ends[-1] == len(made)
    described = replace(spec, photometric="YBR_RCT") if colour else spec
    again = decode_frame(described, made, TRANSFER_SYNTAX)
    assert np.array_equal(again, decode_frame(spec, frame, uids.EXPLICIT_VR_LITTLE_ENDIAN))


@pytest.mark.parametrize(
    "source", [uids.RLE_LOSSLESS, uids.JPEG_LS_LOSSLESS, uids.JPEG_2000_LOSSLESS, uids.HTJ2K_LOSSLESS_RPCL]
)
def test_a_compressed_frame_gets_the_same_copy(source: str) -> None:
    spec = spec_of(90, 70, 12, signed=True)
    frame = native(spec, 3)
    coded = transcode_frame(spec, frame, uids.EXPLICIT_VR_LITTLE_ENDIAN, source).data
    assert source in SOURCES
    made = progressive_frame(spec, coded, source)
    assert np.array_equal(
        decode_frame(spec, made, TRANSFER_SYNTAX), decode_frame(spec, frame, uids.EXPLICIT_VR_LITTLE_ENDIAN)
    )


def test_only_what_gains_is_worth_it() -> None:
    large = spec_of(1024, 1024, 12)
    least = 1 << 20
    assert is_worth(large, uids.EXPLICIT_VR_LITTLE_ENDIAN, least)
    assert not is_worth(large, uids.JPEG_BASELINE, least), "what lost something already is smaller as it is"
    assert not is_worth(spec_of(512, 512, 12), uids.EXPLICIT_VR_LITTLE_ENDIAN, least)
    assert not is_worth(replace(large, photometric="PALETTE COLOR"), uids.EXPLICIT_VR_LITTLE_ENDIAN, least)
    assert not is_worth(
        replace(large, bits_allocated=32, bits_stored=32, high_bit=31), uids.EXPLICIT_VR_LITTLE_ENDIAN, least
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(at=st.integers(0, 3000), value=st.integers(0, 255), cut=st.integers(0, 3000))
def test_another_layout_is_recognised(at: int, value: int, cut: int) -> None:
    """The lengths are read from bytes that a decoder's child answered: anything else than resolutions to the very end is refused."""
    spec = spec_of(64, 64, 12)
    good = progressive_frame(spec, native(spec, 1), uids.EXPLICIT_VR_LITTLE_ENDIAN)
    bad = bytearray(good)
    bad[at % len(bad)] = value
    for data in (bytes(bad), good[: cut % len(good)]):
        with contextlib.suppress(Broken):
            ends = resolution_ends(data)
            assert ends[-1] == len(data)
            assert list(ends) == sorted(ends)
