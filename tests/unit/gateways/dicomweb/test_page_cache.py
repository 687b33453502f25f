"""Ranges of the page cache as they are handed to the socket."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.engine.blobs.segments import SegmentStore
from heliograph.gateways.dicomweb import page_cache
from heliograph.gateways.dicomweb.page_cache import CachedRanges, is_resident

SIZE = 700_001


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SegmentStore]:
    made = SegmentStore(tmp_path_factory.mktemp("blobs"))
    yield made
    made.close()


def put(store: SegmentStore, data: bytes) -> str:
    writer = store.writer()
    writer.begin()
    writer.write(data)
    ref = writer.finish(b"").ref
    writer.sync()
    writer.keep()
    writer.close()
    return ref


@pytest.fixture(scope="module")
def content() -> bytes:
    return os.urandom(SIZE)


@pytest.fixture(scope="module")
def blob(store: SegmentStore, content: bytes) -> str:
    put(store, b"before")
    found = put(store, content)
    put(store, b"after")
    return found


@pytest.fixture(scope="module")
def cached(store: SegmentStore) -> CachedRanges:
    return CachedRanges(store)


@given(st.integers(0, SIZE), st.integers(0, SIZE))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_range_is_the_bytes_of_the_blob(
    cached: CachedRanges, blob: str, content: bytes, first: int, count: int
) -> None:
    found = cached.find(blob, first, count)
    if first + count > SIZE or count == 0:
        assert found is None
    else:
        assert found is not None
        assert bytes(found) == content[first : first + count]


@pytest.mark.parametrize(("offset", "count"), [(-1, 10), (SIZE - 5, 6), (SIZE, 1), (0, SIZE + 1)])
def test_no_range_reaches_into_the_neighbour(cached: CachedRanges, blob: str, offset: int, count: int) -> None:
    assert cached.find(blob, offset, count) is None


def test_a_blob_that_comes_after_the_mapping_is_found(store: SegmentStore) -> None:
    ranges = CachedRanges(store)
    for number in range(5):  # more than one step of allocation
        data = os.urandom(5 << 20)
        found = ranges.find(put(store, data), 17, 1 << 20)
        assert found is not None, number
        assert bytes(found) == data[17 : 17 + (1 << 20)]


def test_a_view_outlives_its_segment_in_the_cache(
    store: SegmentStore, blob: str, content: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ranges = CachedRanges(store)
    held = ranges.find(blob, 0, SIZE)
    ranges._open.clear()
    others = [os.open(tmp_path / f"{n}", os.O_RDWR | os.O_CREAT) for n in range(8)]  # descriptors are used again
    assert held is not None
    assert bytes(held) == content
    for fd in others:
        os.close(fd)


def test_a_slow_reader_gets_the_same_bytes_after_others_pages_were_given_up(
    store: SegmentStore, blob: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_cache, "_MOST_TOUCHED", 1)
    ranges = CachedRanges(store)
    view = ranges.find(blob, 0, SIZE)
    assert view is not None
    ours, theirs = socket.socketpair()
    sending = threading.Thread(target=ours.sendall, args=(view,))
    sending.start()
    got = bytearray()
    while len(got) < SIZE:
        got += theirs.recv(50_000)
        assert ranges.find(blob, 5, 5000) is not None  # gives up the mapped pages each time
    sending.join(60)
    ours.close()
    theirs.close()
    assert bytes(got) == content


def mapped_kb(path: Path) -> int:
    """Pages of the file that count as memory of this process."""
    lines = Path("/proc/self/smaps").read_text(encoding="ascii", errors="replace").splitlines()
    sizes, ours = 0, False
    for line in lines:
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            ours = words[-1] == os.fspath(path)
        elif ours and words[0] == "Rss:":
            sizes += int(words[1])
    return sizes


def test_pages_are_let_go_when_nobody_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_cache, "_QUIET_S", 0.05)
    store = SegmentStore(tmp_path)
    blob = put(store, os.urandom(SIZE))
    ranges = CachedRanges(store)
    path = store.locate(blob)[0]

    async def story() -> tuple[int, int]:
        watch = asyncio.create_task(ranges.watch())
        view = ranges.find(blob, 0, SIZE)
        assert view is not None
        bytes(view)
        before = mapped_kb(path)
        for _ in range(600):
            await asyncio.sleep(0.1)
            if not (after := mapped_kb(path)):
                break
        watch.cancel()
        return before, after

    before, after = asyncio.run(story())
    assert before >= SIZE // 1024
    assert after == 0


def test_bytes_that_are_not_cached_are_not_waited_for(store: SegmentStore) -> None:
    blob = put(store, os.urandom(1 << 20))
    path, start, size = store.locate(blob)
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
        os.posix_fadvise(fd, start, size, os.POSIX_FADV_DONTNEED)
        if is_resident(fd, start, size) is not False:
            pytest.skip("this kernel or file system does not let pages go")
        assert CachedRanges(store).find(blob, 0, size) is None
    finally:
        os.close(fd)


def test_a_kernel_that_cannot_tell_gets_copies(
    store: SegmentStore, blob: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_cache, "is_resident", lambda *_: None)
    found = CachedRanges(store).find(blob, 3, 400_000)
    assert found is not None
    assert bytes(found) == content[3:400_003]
    assert not found.readonly, "it is no mapping"
