"""A disk of our own: an ext4 image on a loop device that can be cut off as a power failure does, or be small enough to fill up."""

import errno
import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.peers.programs import program

FS_IOC_GOINGDOWN = 0x8004587D
NO_LOG_FLUSH = 2


def _roomy(size_mib: int) -> Path:
    """Where a whole image fits: a `/tmp` in memory is often too small, and an image that hits its end lies about the disk."""
    for folder in (Path(tempfile.gettempdir()), Path("/var/tmp")):
        if folder.is_dir() and shutil.disk_usage(folder).free > size_mib << 20:
            return folder
    pytest.skip(f"no {size_mib} MiB for a disk image below TMPDIR or /var/tmp")


class LoopImage:
    """Mounted at `mount`; `cut()` throws away everything that was not synced, and mounts what is left."""

    def __init__(self, *, size_mib: int) -> None:
        if os.geteuid() != 0:
            pytest.skip("a simulated power cut or full disk needs root (loop device)")
        self.folder = Path(tempfile.mkdtemp(prefix="heliograph-disk-", dir=_roomy(size_mib)))
        self.folder.chmod(0o755)
        self.image = self.folder / "disk.img"
        self.mount = self.folder / "disk"
        self.size_mib = size_mib

    def __enter__(self) -> Self:
        with self.image.open("wb") as file:
            file.truncate(self.size_mib << 20)
        self._run("mkfs.ext4", "-q", "-m", "0", str(self.image))
        self.mount.mkdir()
        try:
            self._mount()
        except AssertionError as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            pytest.skip(f"no loop device here: {error}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._unmount()
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def _run(name: str, *words: str) -> None:
        done = subprocess.run([program(name), *words], check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"{name}: {done.stderr.strip()}"

    def _mount(self, wait_s: float = 10.0) -> None:
        """Tried again for some seconds: another test may hold the last loop device, or the kernel has not let go of ours."""
        deadline = time.monotonic() + wait_s
        while True:
            try:
                self._run("mount", "-o", "loop", str(self.image), str(self.mount))
                break
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        self.mount.chmod(0o755)

    def _unmount(self, wait_s: float = 90.0) -> None:
        deadline = time.monotonic() + wait_s
        while os.path.ismount(self.mount):
            done = subprocess.run([program("umount"), str(self.mount)], check=False, capture_output=True, text=True)
            if done.returncode != 0:
                assert time.monotonic() < deadline, f"umount: {done.stderr.strip()}"
                time.sleep(0.1)

    def power_off(self) -> None:
        """From this moment no write reaches the medium, and the journal is not flushed."""
        folder = os.open(self.mount, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, FS_IOC_GOINGDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(folder)

    def power_on(self) -> None:
        """Nobody may hold a file of it any more; the journal is replayed as after a real failure."""
        self._unmount()
        self._mount()

    @property
    def free_bytes(self) -> int:
        return shutil.disk_usage(self.mount).free

    def ballast(self, name: str = "ballast", *, leave_bytes: int) -> Path:
        """A file of somebody else that takes all but this much, whatever others write meanwhile."""
        path = self.mount / name
        with path.open("wb") as file:
            for _ in range(100):
                has = os.fstat(file.fileno()).st_blocks * 512
                try:
                    os.posix_fallocate(file.fileno(), 0, max(has + self.free_bytes - leave_bytes, 1))
                    return path
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
        raise AssertionError("the disk had room, and it did not")
