"""STOW-RS (PS3.18 10.5): by hand where the wire matters, and by dicomweb-client."""

import io
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom import Dataset, dcmread

from tests import data, phantoms
from tests.peers import part10
from tests.peers.dicomweb import multipart, retrieve, stow
from tests.peers.heliograph import Server
from tests.phantoms import Shape

ROOT = "/dicom-web"
TYPE = "multipart/related; type=application/dicom; boundary="


def made(shape: Shape, number: int = 1, **changes: Any) -> bytes:
    ds = phantoms.header(shape, number)
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    ds.PixelData = bytes(range(256)) * 2
    ds["PixelData"].VR = "OW"
    return phantoms.file_bytes(ds)


def shape(seed: int, slices: int = 1, **more: Any) -> Shape:
    return Shape(slices, rows=16, columns=16, seed=seed, patient=f"ST-{seed}", **more)


@pytest.fixture(scope="module")
def web(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def reasons(answer: httpx.Response) -> list[int]:
    return [item["00081197"]["Value"][0] for item in answer.json().get("00081198", {}).get("Value", [])]


def stored(answer: httpx.Response) -> list[str]:
    return [item["00081155"]["Value"][0] for item in answer.json().get("00081199", {}).get("Value", [])]


def test_everything_stored_is_200_with_its_address(web: httpx.Client) -> None:
    one = shape(301, 3)
    answer = stow(web, [made(one, number) for number in (1, 2, 3)])
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/dicom+json")
    assert stored(answer) == [one.sop_uid(number) for number in (1, 2, 3)]
    assert answer.json()["00081190"]["Value"][0].endswith(f"{ROOT}/studies/{one.study_uid}")
    first = answer.json()["00081199"]["Value"][0]
    assert first["00081190"]["Value"][0].endswith(f"/instances/{one.sop_uid(1)}")
    assert web.get(first["00081190"]["Value"][0]).status_code == 200


def test_trap_25_sending_again_is_success(web: httpx.Client) -> None:
    one = made(shape(302))
    assert stow(web, [one]).status_code == 200
    again = stow(web, [one, one])
    assert again.status_code == 200
    assert len(stored(again)) == 2


def test_the_bytes_come_back_as_they_went_in(web: httpx.Client) -> None:
    one = shape(303)
    sent = made(one)
    stow(web, [sent])
    (back,) = retrieve(web, f"studies/{one.study_uid}/series/{one.series_uid}/instances/{one.sop_uid(1)}")
    assert part10.split(back).digest == part10.split(sent).digest


def test_some_held_is_202(web: httpx.Client) -> None:
    one, other = shape(304, 2), shape(304, 2, name="Somebody^Else")
    assert stow(web, [made(one, 1)]).status_code == 200
    answer = stow(web, [made(other, 2), made(one, 2, SOPInstanceUID=one.sop_uid(7))])
    assert answer.status_code == 202
    assert stored(answer) == [one.sop_uid(7)]
    assert reasons(answer) == [0x0111]
    failed = answer.json()["00081198"]["Value"][0]
    assert failed["00081155"]["Value"] == [one.sop_uid(2)]


def test_nothing_stored_is_409(web: httpx.Client) -> None:
    answer = stow(web, [b"this is no DICOM object at all", made(shape(305), StudyInstanceUID="")])
    assert answer.status_code == 409
    assert reasons(answer) == [0xC000, 0xC000]


def test_a_study_in_the_path_admits_only_its_own(web: httpx.Client) -> None:
    one, other = shape(306), shape(307)
    body, kind = multipart([made(one), made(other)])
    answer = web.post(f"{ROOT}/studies/{one.study_uid}", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 202
    assert stored(answer) == [one.sop_uid(1)]
    assert reasons(answer) == [0xA901]
    assert answer.json()["00081198"]["Value"][0]["00081155"]["Value"] == [other.sop_uid(1)]
    assert web.get(f"{ROOT}/studies", params={"StudyInstanceUID": other.study_uid}).json() == []


def test_a_single_object_without_parts(web: httpx.Client) -> None:
    one = shape(308)
    answer = web.post(f"{ROOT}/studies", content=made(one), headers={"Content-Type": "application/dicom"})
    assert answer.status_code == 200
    assert stored(answer) == [one.sop_uid(1)]


# -- the wire ------------------------------------------------------------------------------------------------------


def send(web: httpx.Client, body: bytes, boundary: str, quoted: bool = False) -> httpx.Response:
    mark = f'"{boundary}"' if quoted else boundary
    return web.post(f"{ROOT}/studies", content=body, headers={"Content-Type": TYPE + mark})


def body_of(objects: list[bytes], boundary: str) -> bytes:
    mark = f"--{boundary}".encode()
    return (
        b"".join(mark + b"\r\nContent-Type: application/dicom\r\n\r\n" + one + b"\r\n" for one in objects)
        + mark
        + b"--"
    )


def test_trap_55_quoted_and_long_boundary(web: httpx.Client) -> None:
    boundary = "=_" + "x" * 150 + "' ()+_,-./:=?"
    answer = send(web, body_of([made(shape(310))], boundary), boundary, quoted=True)
    assert answer.status_code == 200


def test_trap_55_missing_final_boundary(web: httpx.Client) -> None:
    body = body_of([made(shape(311))], "B")
    assert send(web, body.removesuffix(b"\r\n--B--"), "B").status_code == 200


def test_trap_55_line_breaks_and_boundary_look_alikes_in_pixels(web: httpx.Client) -> None:
    one = shape(312)
    ds = phantoms.header(one, 1)
    ds.PixelData = (b"\r\n\r\n--B\r\r\n--Bx\r\n\r\n" * 40)[:512]
    ds["PixelData"].VR = "OW"
    sent = phantoms.file_bytes(ds)
    assert send(web, body_of([sent], "B"), "B").status_code == 200
    (back,) = retrieve(web, f"studies/{one.study_uid}")
    assert part10.split(back).digest == part10.split(sent).digest


def test_trap_55_chunked_in_tiny_pieces(web: httpx.Client) -> None:
    body = body_of([made(shape(313, 2), number) for number in (1, 2)], "bound-ary")

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(body), 97):
            yield body[at : at + 97]

    answer = web.post(f"{ROOT}/studies", content=pieces(), headers={"Content-Type": TYPE + "bound-ary"})
    assert answer.status_code == 200
    assert len(stored(answer)) == 2


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/related; type=application/dicom", b"", 400),
        (TYPE + "B", b"no boundary in here", 400),
        (TYPE + "B", b"--B\r\nContent-Type: app", 400),
        ("multipart/related; type=application/dicom+json; boundary=B", b"--B--", 415),
        ("multipart/form-data; boundary=B", b"--B--", 415),
        ("text/plain", b"hello", 415),
    ],
)
def test_bodies_that_are_none(web: httpx.Client, kind: str, body: bytes, status: int) -> None:
    answer = web.post(f"{ROOT}/studies", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_upload_that_breaks_off_stores_what_was_whole(server: Server, web: httpx.Client) -> None:
    one = shape(314, 2)
    body = body_of([made(one, 1), made(one, 2)], "B")

    def broken() -> Iterator[bytes]:
        yield body[: len(body) - 300]
        raise OSError("the line is cut")

    with server.client() as client, pytest.raises(OSError, match="cut"):
        client.post(f"{ROOT}/studies", content=broken(), headers={"Content-Type": TYPE + "B"})
    found = web.get(f"{ROOT}/instances", params={"StudyInstanceUID": one.study_uid}).json()
    assert one.sop_uid(2) not in [item["00080018"]["Value"][0] for item in found]
    assert stow(web, [made(one, 1), made(one, 2)]).status_code == 200


def test_several_senders_at_once(server: Server, web: httpx.Client) -> None:
    shapes = [shape(320 + number, 5) for number in range(4)]
    answers: list[int] = []

    def run(one: Shape) -> None:
        with server.client() as client:
            answers.append(stow(client, [made(one, number) for number in range(1, 6)]).status_code)

    threads = [threading.Thread(target=run, args=(one,)) for one in shapes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 4
    for one in shapes:
        found = web.get(f"{ROOT}/studies", params={"StudyInstanceUID": one.study_uid}).json()
        assert found[0]["00201208"]["Value"] == [5]


def test_xml_for_clients_that_ask_for_it(web: httpx.Client) -> None:
    body, kind = multipart([made(shape(330))])
    answer = web.post(
        f"{ROOT}/studies", content=body, headers={"Content-Type": kind, "Accept": "application/dicom+xml"}
    )
    assert answer.headers["content-type"].startswith("application/dicom+xml")
    assert b'tag="00081199" vr="SQ" keyword="ReferencedSOPSequence"' in answer.content


# -- who may -------------------------------------------------------------------------------------------------------


def test_a_token_without_the_scope_stores_nothing(server: Server, web: httpx.Client) -> None:
    token = server.cli("token", "--name", "reader", "--scope", "study.read").stdout.strip()
    one = shape(331)
    with httpx.Client(
        base_url=server.http, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=120
    ) as client:
        assert stow(client, [made(one)]).status_code == 403
    with httpx.Client(base_url=server.http, trust_env=False, timeout=120) as client:
        assert stow(client, [made(one)]).status_code == 401
    assert web.get(f"{ROOT}/studies", params={"StudyInstanceUID": one.study_uid}).json() == []


# -- foreign clients and foreign files -----------------------------------------------------------------------------


def test_dicomweb_client_stores(server: Server, web: httpx.Client) -> None:
    client = DICOMwebClient(url=f"{server.http}{ROOT}", headers=server.headers)
    one = shape(332, 2)
    sets = [dcmread(io.BytesIO(made(one, number))) for number in (1, 2)]
    answer: Dataset = client.store_instances(sets)
    assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == [one.sop_uid(1), one.sop_uid(2)]


def test_every_sample_is_stored_or_held_with_a_reason(server: Server, web: httpx.Client) -> None:
    """Acceptance 4: none crashes, hangs or is altered; the current version of each comes back bit for bit."""
    data.require()
    sent: dict[str, list[bytes]] = {}
    for sample in data.all_dicom():
        content = sample.read()
        answer = web.post(f"{ROOT}/studies", content=content, headers={"Content-Type": "application/dicom"})
        assert answer.status_code in (200, 409), (sample.name, answer.status_code, answer.text)
        if answer.status_code == 409:
            assert reasons(answer)[0] in (0xC000, 0x0111), sample.name
            continue
        item = answer.json()["00081199"]["Value"][0]
        sent.setdefault(item["00081190"]["Value"][0], []).append(data_set_of(content))
    assert len(sent) > 200
    for address, data_sets in sent.items():
        back = web.get(address, headers={"Accept": "application/dicom; transfer-syntax=*"})
        assert back.status_code == 200, address
        assert any(back.content.endswith(one) for one in data_sets), address


def data_set_of(content: bytes) -> bytes:
    """What must not change: the object without preamble and group 0002, when it has them."""
    try:
        return part10.split(content).dataset
    except ValueError:
        return content
