"""STOW-RS and WADO-RS in the fewest words: multipart bodies made and taken apart by hand (PS3.18 8.6)."""

import re
import secrets
from collections.abc import Iterable, Iterator

import httpx

ANY_DICOM = 'multipart/related; type="application/dicom"; transfer-syntax=*'


def multipart(parts: Iterable[bytes], *, kind: str = "application/dicom") -> tuple[bytes, str]:
    """(body, Content-Type)."""
    boundary = f"harness-{secrets.token_hex(12)}"
    body = b"".join(f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n".encode() + part + b"\r\n" for part in parts)
    return body + f"--{boundary}--\r\n".encode(), f'multipart/related; type="{kind}"; boundary={boundary}'


def parts_of(response: httpx.Response) -> Iterator[tuple[dict[str, str], bytes]]:
    """(headers in lower case, payload) of each part."""
    found = re.search(r'boundary="?([^";]+)"?', response.headers["content-type"])
    if found is None:
        raise AssertionError(f"not multipart: {response.headers['content-type']}")
    mark = b"--" + found.group(1).encode()
    body = response.content
    start = body.find(mark)
    while start >= 0:
        start += len(mark)
        if body[start : start + 2] == b"--":
            return
        end = body.find(b"\r\n" + mark, start)
        if end < 0:
            raise AssertionError("the multipart body has no end")
        head, _, payload = body[start + 2 : end].partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        yield (
            {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)},
            payload,
        )
        start = end + 2


def stow(client: httpx.Client, files: Iterable[bytes], *, root: str = "/dicom-web") -> httpx.Response:
    body, kind = multipart(files)
    return client.post(
        f"{root}/studies", content=body, headers={"Content-Type": kind, "Accept": "application/dicom+json"}
    )


def retrieve(client: httpx.Client, path: str, *, root: str = "/dicom-web") -> list[bytes]:
    """Every Part 10 file under studies/..., bytes as stored."""
    response = client.get(f"{root}/{path}", headers={"Accept": ANY_DICOM})
    response.raise_for_status()
    return [payload for _headers, payload in parts_of(response)]
