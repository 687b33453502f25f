"""The reader of multipart bodies, fed in every way that a line can cut them (trap 55, N18)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.gateways.dicomweb import multipart
from heliograph.gateways.dicomweb.multipart import (
    MultipartReader,
    PartBegins,
    PartData,
    PartEnds,
    Seams,
    boundary_of,
    type_of,
)
from heliograph.kit.errors import Invalid


def read(body: bytes, boundary: bytes = b"B", step: int = 1 << 20) -> list[tuple[dict[str, str], bytes]]:
    reader = MultipartReader(boundary)
    parts: list[tuple[dict[str, str], bytes]] = []
    events = [event for at in range(0, len(body), step) for event in reader.feed(body[at : at + step])]
    events += reader.finish()
    ended = 0
    for event in events:
        match event:
            case PartBegins(headers):
                parts.append((headers, b""))
            case PartData(data):
                parts[-1] = (parts[-1][0], parts[-1][1] + data)
            case PartEnds():
                ended += 1
    assert ended == len(parts)
    return parts


def written(parts: list[bytes], boundary: bytes = b"B") -> bytes:
    body = b"".join(
        b"--" + boundary + b"\r\nContent-Type: application/dicom\r\n\r\n" + part + b"\r\n" for part in parts
    )
    return body + b"--" + boundary + b"--\r\n"


TRICKY = st.binary(max_size=60) | st.lists(
    st.sampled_from([b"\r\n", b"--", b"B", b"\r\n--", b"\r\n--C", b"\r", b"\n", b"\0", b"\r\n\r\n", b"-", b"x"]),
    max_size=12,
).map(b"".join)


@given(st.lists(TRICKY, min_size=1, max_size=4), st.integers(1, 40))
def test_parts_come_back_however_the_line_cuts_them(parts: list[bytes], step: int) -> None:
    parts = [part for part in parts if b"\r\n--B" not in b"\r\n" + part + b"\r\n"] or [b""]
    assert [data for _, data in read(written(parts), step=step)] == parts


def test_trap_55_empty_lines_inside_binary_content() -> None:
    content = b"\x00\r\n\r\n\x01\r\n\r\n--\r\n"
    assert read(written([content])) == [({"content-type": "application/dicom"}, content)]


def test_trap_55_a_boundary_that_only_begins_like_ours_is_content() -> None:
    content = b"a\r\n--Bad\r\nb\r\n--B-\r\nc"
    assert [data for _, data in read(written([content]))] == [content]


def test_trap_55_missing_final_boundary() -> None:
    assert [data for _, data in read(b"--B\r\n\r\nabc")] == [b"abc"]


def test_preamble_and_epilogue_are_no_parts() -> None:
    body = b"this is a preamble\r\n" + written([b"one", b"two"]) + b"epilogue\r\n--B\r\n\r\nno part"
    assert [data for _, data in read(body)] == [b"one", b"two"]


def test_blanks_behind_the_boundary() -> None:
    assert read(b"--B  \t\r\nA: 1\r\n\r\nx\r\n--B--") == [({"a": "1"}, b"x")]


@pytest.mark.parametrize("body", [b"", b"nothing here", b"--B\r\nContent-Type: x", b"--C\r\n\r\nabc\r\n--C--"])
def test_bodies_without_a_part_are_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        read(body)


def test_headers_are_bounded() -> None:
    with pytest.raises(Invalid, match="headers"):
        read(b"--B\r\nX: " + b"a" * 100_000)


def test_n18_parts_are_counted() -> None:
    body = b"--B\r\n\r\n\r\n" * (multipart.MOST_PARTS + 1)
    with pytest.raises(Invalid, match="parts"):
        read(body)


def test_content_is_not_held_back() -> None:
    reader = MultipartReader(b"B")
    list(reader.feed(b"--B\r\n\r\n"))
    for _ in range(100):
        passed = sum(len(event.data) for event in reader.feed(b"\0" * 65536) if isinstance(event, PartData))
        assert passed >= 65536 - 8


@pytest.mark.parametrize(
    ("text", "boundary"),
    [
        ("multipart/related; type=application/dicom; boundary=abc", b"abc"),
        ('multipart/related; boundary="a b/c:;d"; type="application/dicom"', b"a b/c:;d"),
        ('multipart/related;boundary="' + "x" * 200 + '"', b"x" * 200),
        (r'multipart/related; boundary="a\"b"', b'a"b'),
    ],
)
def test_boundaries_quoted_and_long(text: str, boundary: bytes) -> None:
    assert boundary_of(text) == boundary


@pytest.mark.parametrize(
    "text", ["multipart/related", "multipart/related; boundary=", "multipart/related; boundary=" + "x" * 2000]
)
def test_a_boundary_is_needed(text: str) -> None:
    with pytest.raises(Invalid):
        boundary_of(text)


def test_the_root_type() -> None:
    assert type_of('multipart/related; type="application/dicom"; boundary=a') == "application/dicom"
    assert type_of("multipart/related; boundary=a; type=application/dicom+json") == "application/dicom+json"
    assert type_of("multipart/related; boundary=a") == ""


def test_what_we_write_we_can_read() -> None:
    seams = Seams.new("application/dicom")
    body = (
        seams.head("application/dicom", "/x", first=True)
        + b"one"
        + seams.head("application/dicom")
        + b"two"
        + seams.tail
    )
    parts = read(body, boundary_of(seams.content_type))
    assert [data for _, data in parts] == [b"one", b"two"]
    assert parts[0][0]["content-location"] == "/x"
