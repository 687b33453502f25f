"""How many associations the receiving processes of one installation have open: a small shared table, one row a process.

Each process writes its own row and reads the others', so the limits hold for all of them together. Two that admit somebody in the same
microsecond may exceed a limit by one, which harms nobody.
"""

import mmap
import struct
import zlib
from pathlib import Path

_PLACES = 2048
_COUNT = struct.Struct("<I")
_ROW_BYTES = (1 + _PLACES) * _COUNT.size


class Census:
    """The row of process `number` and a view of the others; addresses share `_PLACES` places by their checksum."""

    def __init__(self, file: Path, number: int, processes: int) -> None:
        """Begins at zero: a predecessor's associations ended with it."""
        self._number, self._processes = number, processes
        size = processes * _ROW_BYTES
        with file.open("ab") as grown:
            if grown.tell() < size:
                grown.truncate(size)
        with file.open("r+b") as opened:
            self._table = mmap.mmap(opened.fileno(), size)
        self._table[number * _ROW_BYTES : (number + 1) * _ROW_BYTES] = bytes(_ROW_BYTES)

    def note(self, total: int, address: str, of_address: int) -> None:
        """What is open here now."""
        _COUNT.pack_into(self._table, self._number * _ROW_BYTES, total)
        _COUNT.pack_into(self._table, self._number * _ROW_BYTES + _offset(address), of_address)

    def elsewhere(self, address: str) -> tuple[int, int]:
        """What is open in the other processes: (all, of this address)."""
        rows = [row * _ROW_BYTES for row in range(self._processes) if row != self._number]
        total = sum(_COUNT.unpack_from(self._table, row)[0] for row in rows)
        return total, sum(_COUNT.unpack_from(self._table, row + _offset(address))[0] for row in rows)

    def is_busiest(self, total: int) -> bool:
        """Whether another process has less open than `total`."""
        rows = (row * _ROW_BYTES for row in range(self._processes) if row != self._number)
        return any(_COUNT.unpack_from(self._table, row)[0] < total for row in rows)

    def close(self) -> None:
        self._table.close()


def _offset(address: str) -> int:
    return (1 + zlib.crc32(address.encode()) % _PLACES) * _COUNT.size
