"""WADO-RS (PS3.18 10.4) by hand and by dicomweb-client; what OHIF asks for, exactly (traps 54 to 59; guards 1 and 7)."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest
from dicomweb_client.api import DICOMwebClient
from PIL import Image
from pydicom import Dataset, FileMetaDataset, dcmread, dcmwrite
from pydicom.encaps import encapsulate, generate_frames

from tests import data, phantoms
from tests.data import Sample
from tests.peers import part10
from tests.peers.dicomweb import ANY_DICOM, parts_of, stow
from tests.peers.heliograph import Server
from tests.phantoms import Shape

ROOT = "/dicom-web"
EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
JLS, RLE, BASELINE, HTJ2K = (
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.201",
)
CT = Shape(3, rows=32, columns=48, seed=401, patient="WA-1")
OCTETS = "multipart/related; type=application/octet-stream; transfer-syntax=*"


def path_of(shape: Shape, number: int = 0) -> str:
    base = f"{ROOT}/studies/{shape.study_uid}/series/{shape.series_uid}"
    return f"{base}/instances/{shape.sop_uid(number)}" if number else base


@pytest.fixture(scope="module")
def files() -> list[bytes]:
    return phantoms.slices(CT)


@pytest.fixture(scope="module")
def web(server: Server, files: list[bytes]) -> Iterator[httpx.Client]:
    with server.client() as client:
        assert stow(client, files).status_code == 200
        yield client


def get(web: httpx.Client, path: str, accept: str = "*/*", status: int = 200, **headers: str) -> httpx.Response:
    answer = web.get(path, headers={"Accept": accept, **headers})
    assert answer.status_code == status, (path, answer.status_code, answer.text[:300])
    return answer


def put(web: httpx.Client, sample: Sample) -> str:
    """Stores a sample; its address, or a skip when another sample has taken its UID."""
    content = sample.read()
    answer = web.post(f"{ROOT}/studies", content=content, headers={"Content-Type": "application/dicom"})
    assert answer.status_code in (200, 409), answer.text
    if answer.status_code == 409:
        pytest.skip(f"{sample.name} is held: another sample has its identifiers")
    return str(answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0])


# -- OHIF, request by request --------------------------------------------------------------------------------------


def test_ohif_metadata_of_a_series(web: httpx.Client) -> None:
    answer = get(web, f"{path_of(CT)}/metadata", "application/dicom+json")
    found = answer.json()
    assert [one["00200013"]["Value"] for one in found] == [[1], [2], [3]]
    assert all(one["00280010"] == {"vr": "US", "Value": [32]} for one in found)
    assert found[0]["7FE00010"]["BulkDataURI"].endswith(f"{path_of(CT, 1)}/bulkdata/7FE00010")
    assert found[0]["00100010"]["Value"] == [{"Alphabetic": "Load^Phantom"}]


def test_ohif_thumbnail_of_an_instance(web: httpx.Client) -> None:
    answer = get(web, f"{path_of(CT, 2)}/rendered?viewport=256,256", "image/jpeg")
    assert answer.headers["content-type"] == "image/jpeg"
    assert max(Image.open(io.BytesIO(answer.content)).size) == 256


def test_ohif_frame(web: httpx.Client, files: list[bytes]) -> None:
    answer = get(web, f"{path_of(CT, 1)}/frames/1", OCTETS)
    ((headers, pixels),) = parts_of(answer)
    assert headers["content-type"] == f"application/octet-stream; transfer-syntax={EXPLICIT}"
    assert pixels == dcmread(io.BytesIO(files[0])).PixelData


# -- objects -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [f"{ROOT}/studies/{CT.study_uid}", path_of(CT)])
def test_studies_and_series_come_in_parts(web: httpx.Client, files: list[bytes], path: str) -> None:
    found = list(parts_of(get(web, path, ANY_DICOM)))
    assert [payload for _, payload in found] == files
    assert {headers["content-type"] for headers, _ in found} == {f"application/dicom; transfer-syntax={EXPLICIT}"}


def test_an_instance_alone_and_by_range(web: httpx.Client, files: list[bytes]) -> None:
    whole = get(web, path_of(CT, 2), "application/dicom")
    assert whole.content == files[1]
    assert int(whole.headers["content-length"]) == len(files[1])
    for asked, first, last in (
        ("0-99", 0, 99),
        ("100-", 100, len(files[1]) - 1),
        ("-50", len(files[1]) - 50, len(files[1]) - 1),
    ):
        part = get(web, path_of(CT, 2), "application/dicom", 206, Range=f"bytes={asked}")
        assert part.content == files[1][first : last + 1]
        assert part.headers["content-range"] == f"bytes {first}-{last}/{len(files[1])}"
    beyond = get(web, path_of(CT, 2), "application/dicom", 416, Range="bytes=99999999-")
    assert beyond.headers["content-range"] == f"bytes */{len(files[1])}"


def test_n18_range_bombs_answer_whole(web: httpx.Client, files: list[bytes]) -> None:
    many = ",".join(f"{at}-{at}" for at in range(2000))
    assert get(web, path_of(CT, 2), "application/dicom", Range=f"bytes={many}").content == files[1]


def test_a_zip_holds_every_instance(web: httpx.Client, files: list[bytes]) -> None:
    archive = zipfile.ZipFile(io.BytesIO(get(web, path_of(CT), "application/zip").content))
    assert archive.testzip() is None
    assert sorted(archive.read(name) for name in archive.namelist()) == sorted(files)


def test_several_instances_do_not_come_alone(web: httpx.Client) -> None:
    get(web, path_of(CT), "application/dicom", 406)


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("text/html", 406),
        ("dicom", 400),
        (f'multipart/related; type="application/dicom"; transfer-syntax={BASELINE}', 406),
        ("application/dicom; transfer-syntax=1.2.3.4.5", 406),
    ],
)
def test_trap_54_forms_that_cannot_be_given(web: httpx.Client, accept: str, status: int) -> None:
    answer = get(web, path_of(CT, 1), accept, status)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("syntax", [JLS, RLE, HTJ2K, BIG, IMPLICIT, "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.1.99"])
def test_trap_56_transcoded_when_asked_and_said_so(web: httpx.Client, files: list[bytes], syntax: str) -> None:
    ((headers, payload),) = parts_of(
        get(web, path_of(CT, 1), f'multipart/related; type="application/dicom"; transfer-syntax={syntax}')
    )
    assert headers["content-type"] == f"application/dicom; transfer-syntax={syntax}"
    assert part10.split(payload).transfer_syntax == syntax
    if syntax not in (JLS, HTJ2K, "1.2.840.10008.1.2.4.90"):
        assert (dcmread(io.BytesIO(payload)).pixel_array == dcmread(io.BytesIO(files[0])).pixel_array).all()


def test_the_query_parameter_goes_before_the_header(web: httpx.Client) -> None:
    answer = web.get(path_of(CT, 1), params={"accept": "application/zip"}, headers={"Accept": "text/html"})
    assert answer.headers["content-type"] == "application/zip"


# -- every way an object may be stored ------------------------------------------------------------------------------

SYNTAXES = [row for row in data.all_dicom() if row.name.startswith(("syntax/ct_same_instance/", "syntax/pattern/"))]


@pytest.mark.parametrize("sample", SYNTAXES[:30], ids=str)
def test_trap_56_default_is_explicit_or_what_was_lossy(web: httpx.Client, sample: Sample) -> None:
    data.require()
    address = put(web, sample)
    ((headers, payload),) = parts_of(get(web, address, 'multipart/related; type="application/dicom"'))
    syntax = part10.split(payload).transfer_syntax
    assert headers["content-type"] == f"application/dicom; transfer-syntax={syntax}"
    stored = get(web, address, "application/dicom; transfer-syntax=*")
    kept = part10.split(stored.content).transfer_syntax
    assert syntax in (EXPLICIT, kept)
    ((headers, _),) = parts_of(get(web, f"{address}/frames/1", OCTETS))
    real = headers["content-type"].split("transfer-syntax=")[1]
    assert real == (EXPLICIT if kept in (EXPLICIT, IMPLICIT, BIG, "1.2.840.10008.1.2.1.99") else kept)
    picture = get(web, f"{address}/rendered", "image/png")
    size = Image.open(io.BytesIO(picture.content)).size
    found = get(web, f"{address}/metadata", "application/dicom+json").json()[0]
    assert size == (found["00280011"]["Value"][0], found["00280010"]["Value"][0])


# -- frames --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cine(web: httpx.Client) -> tuple[str, Dataset]:
    """A compressed multi-frame image."""
    for sample in data.samples(modality="US") + data.samples(modality="XA"):
        ds = dcmread(sample.path, force=True)
        if int(ds.get("NumberOfFrames", 1) or 1) > 3 and ds.file_meta.TransferSyntaxUID.is_compressed:
            return put(web, sample), ds
    pytest.skip("test data is missing: no compressed cine")


def test_frames_one_and_several(web: httpx.Client, cine: tuple[str, Dataset]) -> None:
    address, ds = cine
    count = int(ds.NumberOfFrames)
    stored = list(generate_frames(ds.PixelData, number_of_frames=count))
    assert [payload for _, payload in parts_of(get(web, f"{address}/frames/1", OCTETS))] == [stored[0]]
    several = get(web, f"{address}/frames/3,1,2", OCTETS)
    assert [payload for _, payload in parts_of(several)] == [stored[2], stored[0], stored[1]]
    alone = get(web, f"{address}/frames/{count}", "application/octet-stream; transfer-syntax=*")
    assert alone.content == stored[-1]


@pytest.mark.parametrize(
    ("numbers", "accept", "status"),
    [("0", OCTETS, 400), ("99999", OCTETS, 404), ("1,99999", OCTETS, 404), ("x", OCTETS, 400), ("1,2", "application/octet-stream; transfer-syntax=*", 406),
     ("-1", OCTETS, 400), ("1" * 40, OCTETS, 400), (",".join(["1"] * 2000), OCTETS, 400)],
)  # fmt: skip
def test_frames_that_are_not_there(
    web: httpx.Client, cine: tuple[str, Dataset], numbers: str, accept: str, status: int
) -> None:
    get(web, f"{cine[0]}/frames/{numbers}", accept, status)


def test_uncompressed_frames_of_compressed_pixels(web: httpx.Client, files: list[bytes]) -> None:
    sample = data.named("syntax/ct_same_instance/JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm")
    address = put(web, sample)
    ((headers, pixels),) = parts_of(
        get(web, f"{address}/frames/1", 'multipart/related; type="application/octet-stream"')
    )
    assert headers["content-type"].endswith(EXPLICIT)
    found = get(web, f"{address}/metadata", "application/dicom+json").json()[0]
    cells = found["00280010"]["Value"][0] * found["00280011"]["Value"][0]
    assert len(pixels) == cells * found["00280100"]["Value"][0] // 8


def test_compressed_frames_of_uncompressed_pixels(web: httpx.Client, files: list[bytes]) -> None:
    answer = get(web, f"{path_of(CT, 1)}/frames/1", f"multipart/related; type=image/dicom-rle; transfer-syntax={RLE}")
    ((headers, pixels),) = parts_of(answer)
    assert headers["content-type"] == f"image/dicom-rle; transfer-syntax={RLE}"
    assert len(pixels) > 64


def test_a_part_of_a_frame_comes_alone(web: httpx.Client, files: list[bytes]) -> None:
    """Progressive viewers ask by range although they accept parts only."""
    pixels = dcmread(io.BytesIO(files[0])).PixelData
    answer = get(web, f"{path_of(CT, 1)}/frames/1", OCTETS, 206, Range="bytes=0-1023")
    assert answer.content == pixels[:1024]
    assert answer.headers["content-range"] == f"bytes 0-1023/{len(pixels)}"
    assert answer.headers["content-type"] == f"application/octet-stream; transfer-syntax={EXPLICIT}"
    get(web, f"{path_of(CT, 1)}/frames/1", OCTETS, 416, Range="bytes=9999999-")


def test_objects_without_pixels_have_no_frames(web: httpx.Client) -> None:
    address = put(web, data.sample(modality="SR"))
    get(web, f"{address}/frames/1", OCTETS, 404)
    get(web, f"{address}/rendered", "image/jpeg", 404)
    assert get(web, f"{address}/metadata", "application/dicom+json").json()


# -- safety guard 1: stale pixels ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tail", "accept"),
    [("", "application/dicom"), ("/metadata", "application/dicom+json"), ("/frames/1", OCTETS), ("/rendered", "image/png"), ("/bulkdata/7FE00010", "*/*")],
)  # fmt: skip
def test_guard_1_urls_of_uids_revalidate_and_notice_replaced_content(
    server: Server, web: httpx.Client, tail: str, accept: str
) -> None:
    shape = Shape(1, rows=16, columns=16, seed=410 + sum(map(ord, tail)), patient="WA-STALE")
    (first,) = phantoms.slices(shape)
    stow(web, [first])
    before = get(web, path_of(shape, 1) + tail, accept)
    tag = before.headers["etag"]
    assert before.headers["cache-control"] == "private, no-cache"
    again = get(web, path_of(shape, 1) + tail, accept, 304, **{"If-None-Match": tag})
    assert again.content == b""
    ds = dcmread(io.BytesIO(first))
    ds.PixelData = bytes(reversed(ds.PixelData))
    ds.SeriesDescription = "corrected"
    stow(web, [phantoms.file_bytes(ds)])
    after = get(web, path_of(shape, 1) + tail, accept, 200, **{"If-None-Match": tag})
    assert after.headers["etag"] != tag
    assert after.content != before.content


# -- metadata and bulk data ----------------------------------------------------------------------------------------


def test_metadata_of_study_series_and_instance_agree(web: httpx.Client) -> None:
    study = get(web, f"{ROOT}/studies/{CT.study_uid}/metadata", "application/dicom+json").json()
    series = get(web, f"{path_of(CT)}/metadata", "application/dicom+json").json()
    single = [get(web, f"{path_of(CT, n)}/metadata", "application/dicom+json").json()[0] for n in (1, 2, 3)]
    assert study == series == single


def test_metadata_says_what_pydicom_says(web: httpx.Client, files: list[bytes]) -> None:
    found = get(web, f"{path_of(CT, 1)}/metadata", "application/dicom+json").json()[0]
    theirs = dcmread(io.BytesIO(files[0])).to_json_dict(bulk_data_element_handler=lambda _: "x")
    del found["7FE00010"], theirs["7FE00010"]
    assert found.keys() - {"00080005"} == theirs.keys() - {"00080005"}
    for tag in theirs.keys() - {"00080005"}:
        assert found[tag] == theirs[tag], tag


def bulk_uris(found: dict[str, Any]) -> Iterator[str]:
    for element in found.values():
        if "BulkDataURI" in element:
            yield element["BulkDataURI"]
        for value in element.get("Value", []) if element["vr"] == "SQ" else []:
            yield from bulk_uris(value)


def test_trap_58_bulk_data_of_nested_sequences(web: httpx.Client) -> None:
    address = put(web, data.sample(modality="ECG"))
    found = get(web, f"{address}/metadata", "application/dicom+json").json()[0]
    uris = list(bulk_uris(found))
    assert any("/54000100/" in uri for uri in uris) or "54000100" in found
    for uri in uris:
        assert get(web, uri, "application/octet-stream").content


def test_bulk_data_of_pixels_by_range(web: httpx.Client, files: list[bytes]) -> None:
    pixels = dcmread(io.BytesIO(files[0])).PixelData
    uri = f"{path_of(CT, 1)}/bulkdata/7FE00010"
    assert get(web, uri, "application/octet-stream").content == pixels
    assert get(web, uri, "application/octet-stream", 206, Range="bytes=-16").content == pixels[-16:]
    ((_, payload),) = parts_of(get(web, uri, "multipart/related; type=application/octet-stream"))
    assert payload == pixels


def test_bulk_data_of_compressed_frames_comes_frame_by_frame(web: httpx.Client, cine: tuple[str, Dataset]) -> None:
    address, ds = cine
    stored = list(generate_frames(ds.PixelData, number_of_frames=int(ds.NumberOfFrames)))
    found = list(parts_of(get(web, f"{address}/bulkdata/7FE00010")))
    assert [payload for _, payload in found] == stored


def test_trap_59_a_video_by_its_last_bytes(web: httpx.Client) -> None:
    """A video is one stream in one fragment, whatever NumberOfFrames says."""
    shape = Shape(1, rows=16, columns=16, seed=497, patient="WA-VIDEO")
    stream = bytes(np.random.default_rng(1).integers(0, 256, 70_000, np.uint8))
    ds = phantoms.header(shape, 1)
    ds.SOPClassUID, ds.Modality = "1.2.840.10008.5.1.4.1.1.77.1.1.1", "ES"
    ds.NumberOfFrames, ds.SamplesPerPixel, ds.PhotometricInterpretation = 25, 3, "YBR_PARTIAL_420"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PlanarConfiguration = 8, 8, 7, 0
    ds.PixelData = encapsulate([stream], has_bot=False)
    ds["PixelData"].VR = "OB"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    out = io.BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    assert stow(web, [out.getvalue()]).status_code == 200
    uri = f"{path_of(shape, 1)}/bulkdata/7FE00010"
    whole = get(web, uri, "*/*")
    assert whole.headers["content-type"] == "video/mp4; transfer-syntax=1.2.840.10008.1.2.4.102"
    assert whole.content == stream
    assert get(web, uri, "*/*", 206, Range="bytes=-100").content == stream[-100:]
    assert get(web, uri, "video/*", 206, Range="bytes=65000-65999").content == stream[65000:66000]
    get(web, f"{path_of(shape, 1)}/rendered", "image/jpeg", 400)


def test_bulk_data_that_is_not_there(web: httpx.Client) -> None:
    for path in ("00990099", "nonsense", "00080018/0/00080018", "7FE00010/0", "../../x"):
        get(web, f"{path_of(CT, 1)}/bulkdata/{path}", "*/*", 404)


# -- pictures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tail", ["/rendered", "/thumbnail"])
@pytest.mark.parametrize(
    "path", [f"{ROOT}/studies/{CT.study_uid}", path_of(CT), path_of(CT, 1), path_of(CT, 1) + "/frames/1"]
)
def test_pictures_at_every_level(web: httpx.Client, path: str, tail: str) -> None:
    answer = get(web, path + tail, "image/jpeg")
    assert answer.headers["content-type"] == "image/jpeg"
    Image.open(io.BytesIO(answer.content)).verify()


def test_window_quality_and_kind(web: httpx.Client, files: list[bytes]) -> None:
    ds = dcmread(io.BytesIO(files[0]))
    answer = get(web, f"{path_of(CT, 1)}/rendered?window=40,400,linear", "image/png")
    shown = np.asarray(Image.open(io.BytesIO(answer.content)).convert("L")).astype(int)
    units = ds.pixel_array * 1.0 - 1024
    wanted = np.clip(((units - 39.5) / 399 + 0.5) * 255, 0, 255)
    assert np.abs(shown - wanted).max() <= 1
    good = get(web, f"{path_of(CT, 1)}/rendered?quality=95", "image/jpeg")
    poor = get(web, f"{path_of(CT, 1)}/rendered?quality=20", "image/jpeg")
    assert len(poor.content) < len(good.content)


@pytest.mark.parametrize(
    "query",
    [
        "window=1",
        "window=a,b",
        "viewport=x",
        "viewport=inf,1",
        "viewport=0,0",
        "quality=0",
        "quality=101",
        "viewport=99999999,1",
    ],
)
def test_pictures_that_cannot_be_made(web: httpx.Client, query: str) -> None:
    assert web.get(f"{path_of(CT, 1)}/rendered?{query}").status_code in (400, 422)


# -- who may -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tail", ["", "/metadata", "/frames/1", "/rendered", "/thumbnail", "/bulkdata/7FE00010"])
def test_strangers_learn_nothing(server: Server, web: httpx.Client, tail: str) -> None:
    token = server.cli("token", "--name", f"blind{len(tail)}", "--scope", "study.store").stdout.strip()
    for headers, status in (
        ({}, 401),
        ({"Authorization": "Bearer nonsense"}, 401),
        ({"Authorization": f"Bearer {token}"}, 404),
    ):
        answer = httpx.get(server.http + path_of(CT, 1) + tail, headers=headers, trust_env=False, timeout=120)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


def test_uids_of_other_studies_do_not_open_doors(web: httpx.Client) -> None:
    other = Shape(1, rows=16, columns=16, seed=499, patient="WA-2")
    stow(web, phantoms.slices(other))
    mixed = f"{ROOT}/studies/{other.study_uid}/series/{CT.series_uid}/instances/{CT.sop_uid(1)}"
    for tail in ("", "/metadata", "/frames/1", "/rendered", "/bulkdata/7FE00010"):
        get(web, mixed + tail, "*/*", 404)


def test_reading_a_study_is_audited_once_a_minute(server: Server, web: httpx.Client) -> None:
    shape = Shape(2, rows=16, columns=16, seed=498, patient="WA-AUDIT")
    stow(web, phantoms.slices(shape))
    for number in (1, 2):
        for _ in range(3):
            get(web, f"{path_of(shape, number)}/frames/1", OCTETS)
    with psycopg.connect(server.database_url) as connection:
        rows = connection.execute(
            "select count(*) from audit_event where kind = 'study.read' and subject ->> 'study_uid' = %s",
            (shape.study_uid,),
        ).fetchone()
    assert rows == (1,)


# -- by a foreign client -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(server: Server, web: httpx.Client) -> DICOMwebClient:
    return DICOMwebClient(url=f"{server.http}{ROOT}", headers=server.headers)


def test_dicomweb_client_retrieves(client: DICOMwebClient, files: list[bytes]) -> None:
    uids = (CT.study_uid, CT.series_uid, CT.sop_uid(1))
    pixels = dcmread(io.BytesIO(files[0])).PixelData
    assert client.retrieve_instance(*uids).PixelData == pixels
    assert len(client.retrieve_series(*uids[:2])) == 3
    assert len(client.retrieve_study(uids[0])) == 3
    assert len(client.retrieve_series_metadata(*uids[:2])) == 3
    assert client.retrieve_instance_metadata(*uids)["00080018"]["Value"] == [uids[2]]
    assert client.retrieve_instance_frames(*uids, frame_numbers=[1]) == [pixels]
    uri = client.retrieve_instance_metadata(*uids)["7FE00010"]["BulkDataURI"]
    assert client.retrieve_bulkdata(uri) == [pixels]
    assert client.retrieve_instance_rendered(*uids)[:2] == b"\xff\xd8"
