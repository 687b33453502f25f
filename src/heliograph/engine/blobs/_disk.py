"""Calls to the file system that segments need beside reading and writing."""

import ctypes
import errno
import os
from pathlib import Path

from heliograph.kit.errors import Broken, Busy, HeliographError

PAGE = 4096
_PUNCH_HOLE = 0x03  # FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
_START_WRITING = 0x02  # SYNC_FILE_RANGE_WRITE
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_libc = ctypes.CDLL(None, use_errno=True)


def sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def no_space(error: OSError) -> Busy:
    return Busy("no space is left for new objects", code="out_of_space", retry_after_s=60.0, errno=error.errno)


def refused(error: OSError) -> HeliographError:
    """What a failed write means."""
    if error.errno in _NO_SPACE:
        return no_space(error)
    return Broken("the disk refuses to write", code="write_failed")


def stands(path: Path, fd: int) -> bool:
    """Whether the file behind the descriptor is still the one of this name; asked while its lock is held."""
    try:
        named, opened = path.stat(), os.fstat(fd)
    except FileNotFoundError:
        return False
    return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)


def punch(fd: int, offset: int, length: int) -> None:
    result = _libc.fallocate(fd, _PUNCH_HOLE, ctypes.c_longlong(offset), ctypes.c_longlong(length))
    if result != 0:
        raise Broken("the file system cannot give room back", code="punch_failed", errno=ctypes.get_errno())


def start_writing(fd: int, start: int, end: int) -> None:
    """Sends whole pages on their way to the disk while the rest of the object comes and is looked at, so that the sync has less to
    wait for. It promises nothing and its failure means nothing: what went wrong with these pages is told by the sync.
    """
    start, end = start & -PAGE, end & -PAGE
    if hasattr(_libc, "sync_file_range"):
        _libc.sync_file_range(fd, ctypes.c_longlong(start), ctypes.c_longlong(end - start), _START_WRITING)
