"""What is chosen for what is accepted (PS3.18 8.7; traps 54 and 56)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.gateways.dicomweb.negotiation import (
    EXPLICIT,
    DicomForm,
    Form,
    dicom_form,
    frame_form,
    parse_accept,
    wants_json,
)
from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import uids

JLS, J2K, BASELINE, RLE, HTJ2K = (
    uids.JPEG_LS_LOSSLESS, uids.JPEG_2000_LOSSLESS, uids.JPEG_BASELINE, uids.RLE_LOSSLESS, uids.HTJ2K_LOSSLESS,
)  # fmt: skip
IMPLICIT = uids.IMPLICIT_VR_LITTLE_ENDIAN
MPEG4 = "1.2.840.10008.1.2.4.102"


@pytest.mark.parametrize(
    "text",
    [
        'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1',
        "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
        'multipart/related;transfer-syntax="1.2.840.10008.1.2.1";type="application/dicom"',
        'Multipart/Related ; Type = "Application/DICOM" ; Transfer-Syntax = 1.2.840.10008.1.2.1 ; q=0.9',
        'image/unheard-of, multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1',
    ],
)
def test_trap_54_one_wish_in_many_spellings(text: str) -> None:
    assert dicom_form(text) == DicomForm("multipart", (EXPLICIT,))


def test_trap_54_the_order_of_preference() -> None:
    form = dicom_form(
        "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2.1; q=0.3, "
        f"multipart/related; type=application/dicom; transfer-syntax={J2K}; q=0.8, text/html"
    )
    assert form.syntaxes == (J2K, EXPLICIT)
    assert parse_accept("a/b;q=0, c/d;q=0.1, e/f")[0].kind == "e/f"
    assert [one.kind for one in parse_accept("a/b;q=0, c/d;q=0.1, e/f")] == ["e/f", "c/d"]


@pytest.mark.parametrize(
    ("text", "container"),
    [
        ("", "multipart"), ("*/*", "multipart"), ("application/dicom", "single"), ("application/zip", "zip"),
        ("multipart/related", "multipart"), ("multipart/*", "multipart"),
    ],
)  # fmt: skip
def test_containers(text: str, container: str) -> None:
    assert dicom_form(text).container == container


@pytest.mark.parametrize("text", ["text/html", "multipart/related; type=text/html", "image/jpeg"])
def test_trap_54_406_for_media_that_are_not_ours(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        dicom_form(text)
    assert caught.value.code == "not_acceptable"


@pytest.mark.parametrize(
    "text", ["dicom", "multipart/related; type", "a/b; q=x", "a/b; transfer-syntax=hello", "a/b c/d", "a/b," * 100]
)
def test_trap_54_400_for_what_is_no_accept_header(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        dicom_form(text)
    assert caught.value.code == "bad_accept"


@given(st.text(max_size=60))
def test_foreign_accept_headers_raise_only_invalid(text: str) -> None:
    with contextlib.suppress(Invalid):
        parse_accept(text)


@pytest.mark.parametrize(
    "stored", [EXPLICIT, IMPLICIT, JLS, BASELINE, MPEG4, RLE, uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, "1.2.3.4"]
)
def test_trap_56_a_star_never_transcodes(stored: str) -> None:
    assert dicom_form('multipart/related; type="application/dicom"; transfer-syntax=*').syntax_for(stored) == stored


@pytest.mark.parametrize(
    ("stored", "sent"),
    [
        (EXPLICIT, EXPLICIT), (IMPLICIT, EXPLICIT), (uids.EXPLICIT_VR_BIG_ENDIAN, EXPLICIT), (JLS, EXPLICIT), (RLE, EXPLICIT),
        (uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT), (BASELINE, BASELINE), (uids.JPEG_2000, uids.JPEG_2000), (MPEG4, MPEG4),
    ],
)  # fmt: skip
def test_trap_56_the_default_is_explicit_unless_only_lossy_is_there(stored: str, sent: str) -> None:
    assert dicom_form("").syntax_for(stored) == sent
    assert dicom_form('multipart/related; type="application/dicom"').syntax_for(stored) == sent


def test_what_is_stored_wins_when_it_is_acceptable() -> None:
    form = dicom_form(
        f"multipart/related; type=application/dicom; transfer-syntax={J2K}, multipart/related; type=application/dicom; transfer-syntax={JLS}"
    )
    assert form.syntax_for(JLS) == JLS
    assert form.syntax_for(EXPLICIT) == J2K
    assert form.syntax_for(MPEG4) is None


@pytest.mark.parametrize(
    ("accept", "stored", "form"),
    [
        ("multipart/related; type=application/octet-stream; transfer-syntax=*", JLS, Form("application/octet-stream", JLS, True)),
        ("multipart/related; type=application/octet-stream; transfer-syntax=*", IMPLICIT, Form("application/octet-stream", EXPLICIT, True)),
        ('multipart/related; type="application/octet-stream"', JLS, Form("application/octet-stream", EXPLICIT, True)),
        ("application/octet-stream", EXPLICIT, Form("application/octet-stream", EXPLICIT, False)),
        ("image/jls", JLS, Form("image/jls", JLS, False)),
        ("image/x-jls", JLS, Form("image/jls", JLS, False)),
        ("multipart/related; type=image/jls", JLS, Form("image/jls", JLS, True)),
        (f"multipart/related; type=image/jls; transfer-syntax={JLS}", EXPLICIT, Form("image/jls", JLS, True)),
        ("multipart/related; type=image/jphc", EXPLICIT, Form("image/jphc", HTJ2K, True)),
        (f"multipart/related; type=image/jp2; transfer-syntax={uids.JPEG_2000}", J2K, Form("image/jp2", uids.JPEG_2000, True)),
        ("multipart/related; type=image/jpeg", BASELINE, Form("image/jpeg", BASELINE, True)),
        ("multipart/related; type=image/x-dicom-rle", RLE, Form("image/dicom-rle", RLE, True)),
        ("", J2K, Form("image/jp2", J2K, True)),
        ("*/*", EXPLICIT, Form("application/octet-stream", EXPLICIT, True)),
        ("*/*", MPEG4, Form("video/mp4", MPEG4, True)),
        ("image/*", J2K, Form("image/jp2", J2K, False)),
    ],
)  # fmt: skip
def test_forms_of_frames(accept: str, stored: str, form: Form) -> None:
    assert frame_form(accept, stored) == form


@pytest.mark.parametrize(
    ("accept", "stored"), [("image/jpeg", MPEG4), ("application/octet-stream", MPEG4), ("text/plain", EXPLICIT)]
)
def test_frames_that_cannot_be_given(accept: str, stored: str) -> None:
    with pytest.raises(Invalid) as caught:
        frame_form(accept, stored)
    assert caught.value.code == "not_acceptable"


def test_json() -> None:
    assert wants_json("") == wants_json("*/*") == wants_json("application/dicom+json") == "application/dicom+json"
    assert wants_json("application/json") == "application/json"
    with pytest.raises(Invalid):
        wants_json('multipart/related; type="application/dicom+xml"')
