"""standards.dicom.image and palette: what is read from a header, from DICOM JSON, from functional groups and from tables."""

import contextlib
import dataclasses
import pickle
from struct import pack
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import json as dicom_json
from heliograph.standards.dicom.header import inflated, scan
from heliograph.standards.dicom.image import Rescale, Window, overlay_bits, spec_from_header, spec_from_json
from heliograph.standards.dicom.palette import Lut, expand_segments, read_lut, read_palette
from heliograph.standards.dicom.parse import value_at
from tests import data
from tests.unit.standards.dicom import making as make
from tests.unit.standards.dicom.imaging import Picture, opened, opened_sample, text, us


def plain(value: Any) -> Any:
    """Dataclasses and arrays as things that compare."""
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def with_pixels() -> list[data.Sample]:
    skipped = ("dicomdir/", "robust/", "charset/", "ct/philips_head_5mm_28/I1", "ct/philips_head_5mm_28/I2")
    return [row for row in data.all_dicom() if not row.name.startswith(skipped)]


@pytest.mark.parametrize("row", with_pixels(), ids=str)
def test_header_and_json_say_the_same(row: data.Sample) -> None:
    content = row.read()
    header = scan(content)
    if header.pixel_tag is None:
        return
    attributes = dicom_json.to_json(content, header, bulk=lambda path: path)
    whole = inflated(content, header)

    def bulk(path: str) -> bytes:
        offset, length = value_at(content, path, header)
        raw = whole[offset : offset + length]
        return raw if header.little else np.frombuffer(raw, ">u2").astype("<u2").tobytes()

    wanted, got = plain(spec_from_header(header)), plain(spec_from_json(attributes, bulk))
    assert got == wanted


def test_a_spec_goes_to_a_child_process_and_back() -> None:
    for name in ("mg/ge_ffdm.dcm", "ct/eCT_Supplemental.dcm", "syntax/lut/ovly_p01.dcm"):
        found = opened_sample(name).spec
        assert plain(pickle.loads(pickle.dumps(found))) == plain(found)


def test_a_ct_slice() -> None:
    found = opened_sample("ct/CT_small.dcm").spec
    wanted = pydicom.dcmread(data.ROOT / "ct/CT_small.dcm")
    assert (found.rows, found.columns, found.signed, found.bits_stored) == (128, 128, True, 16)
    assert found.shared.rescale == Rescale(1.0, -1024.0, "")
    assert found.shared.position == tuple(map(float, wanted.ImagePositionPatient))
    assert found.padding == (-2000, -2000)


def test_a_mammogram_has_tables_and_a_sigmoid_window() -> None:
    found = opened_sample("mg/ge_ffdm.dcm").spec.shared
    assert [lut.explanation for lut in found.voi_luts] == ["NORMAL", "HARDER", "SOFTER"]
    assert [len(lut.values) for lut in found.voi_luts] == [3447, 3016, 3887]
    assert {window.function for window in found.windows} == {"SIGMOID"}
    assert len(found.windows) == len({window.explanation for window in found.windows}) == 3


def test_enhanced_frames_have_their_own_facts() -> None:
    found = opened_sample("ct/eCT_Supplemental.dcm").spec
    assert [found.frame(number).position[2] for number in range(2)] == [-159.0, -149.0]  # type: ignore[index]  # it is there, or the test fails
    assert found.frame(1).rescale == Rescale(1.0, -1024.0, "US")
    assert found.frame(1).windows == (Window(49.0, 102.0, "LINEAR", ""),)
    assert found.palette is not None
    assert found.palette.supplemental


def sequence(tag: int, *items: bytes) -> bytes:
    return make.open_sequence(tag, *[make.open_item(item) for item in items])


def test_per_frame_groups_stand_over_shared_ones() -> None:
    def transformed(slope: str) -> bytes:
        values = text(0x00281052, "DS", "-5") + text(0x00281053, "DS", slope) + text(0x00281054, "LO", "HU")
        return sequence(0x00289145, values)

    def windowed(center: str) -> bytes:
        return sequence(0x00289132, text(0x00281050, "DS", center) + text(0x00281051, "DS", "100"))

    extra = {
        0x52009229: sequence(0x52009229, transformed("2")),
        0x52009230: sequence(0x52009230, windowed("10"), windowed("20") + transformed("3")),
    }
    content = Picture(frames=2).file(make.explicit(0x7FE00010, "OW", bytes(16)), extra=extra)
    found = opened(content).spec
    assert [found.frame(number).rescale for number in range(2)] == [Rescale(2, -5, "HU"), Rescale(3, -5, "HU")]
    assert [found.frame(number).windows[0].center for number in range(2)] == [10, 20]


@pytest.mark.parametrize(
    ("relation", "sop_class", "applies"),
    [
        ("LOG", "1.2.840.10008.5.1.4.1.1.12.1", False),
        ("LIN", "1.2.840.10008.5.1.4.1.1.12.1", True),
        ("LOG", make.CT_CLASS, True),
    ],
)
def test_the_modality_transform_of_logarithmic_angiography_is_not_for_display(
    relation: str, sop_class: str, applies: bool
) -> None:
    extra = {
        0x00281040: text(0x00281040, "CS", relation),
        0x00281052: text(0x00281052, "DS", "7"),
        0x00281053: text(0x00281053, "DS", "1"),
    }
    content = Picture().file(make.explicit(0x7FE00010, "OW", bytes(8)), extra=extra)
    content = content.replace(
        make.explicit(0x00080016, "UI", make.CT_CLASS), make.explicit(0x00080016, "UI", sop_class)
    )
    assert (opened(content).spec.shared.rescale is not None) is applies


@pytest.mark.parametrize(
    ("signed", "stored", "wanted"), [(True, 0xF830, -2000), (False, 0xF830, 0xF830), (True, 63, 63)]
)
def test_padding_of_the_other_sign_is_read_as_the_pixels_are(signed: bool, stored: int, wanted: int) -> None:
    extra = {0x00280120: us(0x00280120, stored)}
    content = Picture(signed=signed).file(make.explicit(0x7FE00010, "OW", bytes(8)), extra=extra)
    assert opened(content).spec.padding == (wanted, wanted)


@pytest.mark.parametrize(
    ("width", "function", "kept"),
    [("0", "LINEAR", False), ("-5", "SIGMOID", False), ("1", "LINEAR", True), ("0.5", "SIGMOID", True)],
)
def test_impossible_windows_are_left_out(width: str, function: str, kept: bool) -> None:
    extra = {
        0x00281050: text(0x00281050, "DS", "40"),
        0x00281051: text(0x00281051, "DS", width),
        0x00281056: text(0x00281056, "CS", function),
    }
    found = opened(Picture().file(make.explicit(0x7FE00010, "OW", bytes(8)), extra=extra)).spec
    assert bool(found.shared.windows) is kept


def test_nonsense_bit_numbers_are_put_right() -> None:
    found = opened(Picture(stored=12, high=3).file(make.explicit(0x7FE00010, "OW", bytes(8)))).spec
    assert (found.bits_stored, found.high_bit) == (12, 11)
    found = opened(Picture(stored=40, high=39).file(make.explicit(0x7FE00010, "OW", bytes(8)))).spec
    assert (found.bits_stored, found.high_bit) == (16, 15)


def test_json_without_a_reader_of_bulk_data_leaves_tables_out() -> None:
    attributes = {
        "00280010": {"vr": "US", "Value": [2]},
        "00280011": {"vr": "US", "Value": [2]},
        "00280100": {"vr": "US", "Value": [8]},
        "00283010": {
            "vr": "SQ",
            "Value": [{"00283002": {"vr": "US", "Value": [2, 0, 8]}, "00283006": {"vr": "OW", "BulkDataURI": "x"}}],
        },
    }
    assert spec_from_json(attributes).shared.voi_luts == ()
    (lut,) = spec_from_json(attributes, lambda uri: b"\x05\x07").shared.voi_luts
    assert lut.values.tolist() == [5, 7]


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=5
    )
)
def test_any_json_gives_a_spec_or_invalid(noise: Any) -> None:
    for member in (noise, {"Value": noise}, {"Value": [noise]}, {"InlineBinary": noise}):
        attributes = {
            "00280010": {"vr": "US", "Value": [2]},
            "00280011": {"vr": "US", "Value": [2]},
            "00280100": {"vr": "US", "Value": [8]},
        } | dict.fromkeys(("00281050", "00283010", "00280120", "52009230", "60000010", "00281101", "00200032"), member)
        try:
            spec_from_json(attributes)
        except Invalid:
            continue


# -- overlays ----------------------------------------------------------------------------------------------------


def test_overlay_planes_of_several_frames() -> None:
    rng = np.random.default_rng(2)
    planes = rng.integers(0, 2, (2, 3, 3), dtype=np.uint8)
    extra = {
        0x60000010: us(0x60000010, 3),
        0x60000011: us(0x60000011, 3),
        0x60000015: text(0x60000015, "IS", "2"),
        0x60000040: text(0x60000040, "CS", "G"),
        0x60000050: make.explicit(0x60000050, "SS", pack("<2h", -1, 4)),
        0x60000051: us(0x60000051, 2),
        0x60003000: make.explicit(
            0x60003000, "OW", np.packbits(planes.reshape(-1), bitorder="little").tobytes() + b"\0"
        ),
    }
    content = Picture(frames=4).file(make.explicit(0x7FE00010, "OW", bytes(32)), extra=extra)
    (overlay,) = opened(content).spec.overlays
    assert (overlay.origin, overlay.first_frame, overlay.frames) == ((-1, 4), 2, 2)
    assert overlay_bits(overlay, 0) is None
    assert overlay_bits(overlay, 3) is None
    for number in (1, 2):
        assert np.array_equal(overlay_bits(overlay, number), planes[number - 1])


def test_an_overlay_shorter_than_its_size_is_left_out() -> None:
    extra = {
        0x60000010: us(0x60000010, 65535),
        0x60000011: us(0x60000011, 65535),
        0x60003000: make.explicit(0x60003000, "OW", bytes(10)),
    }
    assert opened(Picture().file(make.explicit(0x7FE00010, "OW", bytes(8)), extra=extra)).spec.overlays == ()


# -- lookup tables -----------------------------------------------------------------------------------------------


def test_a_table_holds_its_ends() -> None:
    lut = read_lut((4, 10, 8), pack("<4H", 1, 2, 3, 4), signed=False)
    assert lut.apply(np.array([-5, 9, 10, 12, 13, 14, 60000])).tolist() == [1, 1, 1, 3, 4, 4, 4]
    assert lut.apply(np.array([np.nan, 11.4, 1e30, -np.inf])).tolist() == [1, 2, 4, 1]


def test_zero_entries_are_65536() -> None:
    values = np.arange(65536, dtype="<u2")
    lut = read_lut((0, 0, 16), values.tobytes(), signed=False)
    assert np.array_equal(lut.apply(values), values)


@pytest.mark.parametrize(("signed", "first"), [(True, -2048), (False, 63488)])
def test_the_first_input_is_signed_as_the_pixels_are(signed: bool, first: int) -> None:
    assert read_lut((2, 63488, 8), b"\1\2", signed=signed).first == first
    assert read_lut((2, -2048, 8), b"\1\2", signed=signed).first == first


def test_depth_comes_from_the_data_where_the_descriptor_is_wrong() -> None:
    assert read_lut((2, 0, 8), pack("<2H", 0, 4095), signed=False).top == 4095


@pytest.mark.parametrize(
    ("descriptor", "content"),
    [((2, 0), b"\1\2"), ((2, 0, 0), b"\1\2"), ((2, 0, 33), b"\1\2"), ((9, 0, 16), b"\1\2\3\4"), ((0, 0, 8), b"ab")],
)
def test_unusable_tables_are_refused(descriptor: tuple[int, ...], content: bytes) -> None:
    with pytest.raises(Invalid):
        read_lut(descriptor, content, signed=False)


@given(hnp.arrays(np.int32, 20), st.integers(-70000, 70000), hnp.arrays(np.uint16, st.integers(1, 50)))
def test_no_index_leaves_a_table(stored: Any, first: int, values: Any) -> None:
    got = Lut(first, values, 16).apply(stored)
    assert np.array_equal(got, values[np.clip(stored.astype(np.int64) - first, 0, len(values) - 1)])


def test_segments_expand() -> None:
    words = pack("<14H", 0, 2, 10, 20, 1, 4, 100, 2, 1, 8, 0, 0, 1, 9)
    # discrete 10 20; linear four steps to 100; then once more the segment at byte 8 (the linear one, from 100 to 100)
    assert expand_segments(words, 10, wide=True).tolist() == [10, 20, 40, 60, 80, 100, 100, 100, 100, 100]
    assert expand_segments(bytes([0, 1, 7, 1, 3, 37]), 4, wide=False).tolist() == [7, 17, 27, 37]


@pytest.mark.parametrize(
    "words",
    [
        (0, 5, 1),  # too few
        (1, 4, 100),  # linear without a beginning
        (7, 1, 1),  # unknown kind
        (0, 1, 5, 2, 1, 0xFFFF, 0xFFFF),  # refers to what follows
        (0, 1, 5, 2, 9, 6, 0),  # refers to itself
    ],
)
def test_damaged_segments_are_refused(words: tuple[int, ...]) -> None:
    with pytest.raises(Invalid):
        expand_segments(pack(f"<{len(words)}H", *words), 200, wide=True)


@given(st.binary(max_size=200), st.integers(1, 65536), st.booleans())
def test_segments_end_whatever_they_say(noise: bytes, entries: int, wide: bool) -> None:
    with contextlib.suppress(Invalid):
        assert len(expand_segments(noise, entries, wide=wide)) == entries


def test_a_palette_of_sixteen_bits_that_holds_eight_is_not_black() -> None:
    table = pack("<3H", 0, 128, 255)
    red, _, _ = read_palette(((3, 0, 16),) * 3, (table,) * 3, segmented=False, signed=False)
    assert red.top == 255


def test_the_segmented_palette_of_an_ultrasound_image_equals_pydicoms() -> None:
    path = data.ROOT / "us/gdcm-US-ALOKA-16.dcm"
    found = opened_sample("us/gdcm-US-ALOKA-16.dcm")
    wanted = pydicom.pixels.apply_color_lut(np.arange(65536, dtype=np.uint16), pydicom.dcmread(path))
    assert found.spec.palette is not None
    for channel, lut in enumerate((found.spec.palette.red, found.spec.palette.green, found.spec.palette.blue)):
        assert np.abs(lut.values.astype(int) - wanted[:, channel]).max() <= 1
