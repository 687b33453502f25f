"""Where each frame of a stored object lies in its blob, found by ranged reads (PS3.5 8, A.4).

Encapsulated fragments are walked by their lengths and never searched for: compressed bytes may contain any delimiter.
All arithmetic is done in Python integers before anything is allocated: the attributes come from a stranger.
"""

from __future__ import annotations

import struct
import zlib
from array import array
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from heliograph.kit.errors import Broken, Invalid
from heliograph.standards.dicom import uids
from heliograph.standards.dicom._fragments import ITEM, MAX_FRAGMENTS, Fragments, Read, by_starts, by_tables

_VIDEO_FIRST, _VIDEO_LAST = 100, 108


class PixelHeader(Protocol):
    """The part of a scanned header that says where the pixels are and how they are laid out."""

    @property
    def transfer_syntax(self) -> str: ...
    @property
    def pixel_tag(self) -> int | None: ...
    @property
    def pixel_vr(self) -> str: ...
    @property
    def pixel_offset(self) -> int | None: ...
    @property
    def pixel_length(self) -> int | None: ...
    def integer(self, keyword: str) -> int | None: ...
    def text(self, keyword: str) -> str: ...
    def raw(self, keyword: str) -> bytes | None: ...


class Kind(IntEnum):
    NATIVE = 0
    ENCAPSULATED = 1
    VIDEO = 2


@dataclass(frozen=True, slots=True)
class FrameTable:
    """The byte ranges of all frames of one object; frames are counted from 0."""

    kind: Kind
    transfer_syntax: str  # how the frame bytes are coded, even where the header says otherwise
    frames: int  # as declared
    available: int  # frames that are really there, counted from the first
    start: int = 0  # native: offset of the first frame
    frame_bits: int = 0  # native: frames follow each other without padding
    swapped: bool = False  # native: bytes stored as big-endian 16-bit words (8-bit and 1-bit cells in OW)
    offsets: array[int] = field(default_factory=lambda: array("Q"))  # encapsulated: one entry per fragment
    lengths: array[int] = field(default_factory=lambda: array("Q"))
    firsts: array[int] = field(
        default_factory=lambda: array("Q")
    )  # first fragment of each frame, and the end; empty: one each
    problems: tuple[str, ...] = ()

    def fragments(self, frame: int) -> tuple[tuple[int, int], ...]:
        """(offset, length) of the pieces of one frame; a native 1-bit frame may begin and end inside a byte."""
        if not 0 <= frame < self.frames:
            raise Invalid(f"there is no frame {frame + 1} of {self.frames}", code="no_such_frame")
        if frame >= self.available:
            raise Invalid(f"frame {frame + 1} is not in the stored pixel data", code="frame_missing")
        if self.kind is Kind.NATIVE:
            first_bit, last_bit = frame * self.frame_bits, (frame + 1) * self.frame_bits
            return ((self.start + first_bit // 8, -(-last_bit // 8) - first_bit // 8),)
        if not self.firsts:
            return ((self.offsets[frame], self.lengths[frame]),)
        low, high = self.firsts[frame], self.firsts[frame + 1]
        return tuple(zip(self.offsets[low:high], self.lengths[low:high], strict=True))

    def size(self, frame: int) -> int:
        """Bytes of the frame as read_frame returns it."""
        if self.kind is Kind.NATIVE:
            self.fragments(frame)
            return -(-self.frame_bits // 8)
        return sum(length for _, length in self.fragments(frame))

    @property
    def is_deflated(self) -> bool:
        """The offsets count in the inflated data set (`header.inflated`), not in the blob."""
        return self.transfer_syntax == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN

    def is_plain(self, frame: int) -> bool:
        """Whether the stored bytes of the fragments are the frame, so that they can be streamed without reading."""
        return not self.swapped and (self.kind is not Kind.NATIVE or self.frame_bits * frame % 8 == 0)

    def read_frame(self, frame: int, read: Read) -> bytes:
        """The bytes of one frame: fragments joined, words swapped back, and the first pixel in the first bit."""
        pieces = self.fragments(frame)
        if self.swapped:
            return self._read_swapped(frame, read)
        parts = [read(offset, length) for offset, length in pieces]
        for part, (_, length) in zip(parts, pieces, strict=True):
            if len(part) != length:
                raise Broken("stored pixel data is shorter than when it was received")
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        if self.kind is Kind.NATIVE and self.frame_bits * frame % 8:
            return _shift_bits(data, self.frame_bits * frame % 8, self.frame_bits)
        return data

    def _read_swapped(self, frame: int, read: Read) -> bytes:
        first_bit, last_bit = frame * self.frame_bits, (frame + 1) * self.frame_bits
        low, high = first_bit // 16 * 2, -(-last_bit // 16) * 2
        words = bytearray(read(self.start + low, high - low))
        if len(words) % 2:  # odd length without its padding byte: the last word is half there
            words.append(0)
        words[0::2], words[1::2] = words[1::2], words[0::2]
        data = bytes(words)[first_bit // 8 - low :]
        if first_bit % 8 or last_bit % 8:
            return _shift_bits(data, first_bit % 8, self.frame_bits)
        return data[: self.frame_bits // 8]

    def to_bytes(self) -> bytes:
        """A compact form for storing; from_bytes reads it back."""
        tail = "\n".join((self.transfer_syntax, *self.problems)).encode()
        gaps, expected = array("Q"), 0
        for offset, length in zip(self.offsets, self.lengths, strict=True):
            gaps.append((offset - expected) % (1 << 64))
            expected = offset + length + 8
        body = b"".join(column.tobytes() for column in (gaps, self.lengths, self.firsts)) + tail
        head = _HEAD.pack(
            _MAGIC,
            self.kind,
            self.swapped,
            self.frames,
            self.available,
            self.start,
            self.frame_bits,
            len(self.offsets),
            len(self.firsts),
            len(tail),
        )
        return head + zlib.compress(body, 6)

    @classmethod
    def from_bytes(cls, data: bytes) -> FrameTable:
        try:
            magic, kind, swapped, frames, available, start, bits, count, first_count, tail = _HEAD.unpack_from(data)
            expected = 8 * (2 * count + first_count) + tail
            if magic != _MAGIC or count > MAX_FRAGMENTS or first_count > MAX_FRAGMENTS + 1 or tail > 1 << 20:
                raise ValueError("not a frame table")
            body = zlib.decompressobj().decompress(data[_HEAD.size :], expected + 1)
            if len(body) != expected:
                raise ValueError("frame table has another length")
            columns = [array("Q"), array("Q"), array("Q")]
            at = 0
            for column, length in zip(columns, (count, count, first_count), strict=True):
                column.frombytes(body[at : at + 8 * length])
                at += 8 * length
            syntax, *problems = body[at:].decode().split("\n")
        except (struct.error, zlib.error, ValueError) as error:
            raise Broken("the stored frame table cannot be read") from error
        offsets, expected = array("Q"), 0
        for gap, length in zip(columns[0], columns[1], strict=True):
            offsets.append((expected + gap) % (1 << 64))
            expected = offsets[-1] + length + 8
        return cls(
            Kind(kind),
            syntax,
            frames,
            available,
            start,
            bits,
            bool(swapped),
            offsets,
            columns[1],
            columns[2],
            tuple(problems),
        )


_MAGIC = b"HFT1"
_HEAD = struct.Struct("<4sBBQQQQQQI")


def frame_table(header: PixelHeader, read: Read, size: int) -> FrameTable:
    """Find all frames of an object of `size` bytes; raises Invalid when it has no usable pixel data."""
    offset = header.pixel_offset
    if header.pixel_tag is None or offset is None:
        raise Invalid("this object has no pixel data", code="no_pixels")
    end = size if header.pixel_length is None else min(size, offset + header.pixel_length)
    frames = max(1, header.integer("NumberOfFrames") or 1)
    syntax = header.transfer_syntax
    encapsulated = header.pixel_length is None or (
        syntax not in uids.NATIVE and end - offset >= 8 and read(offset, 4) == ITEM
    )
    if not encapsulated:
        return _native(header, end, frames)
    fragments = Fragments.walk(read, offset, end)
    if is_video(syntax):
        spans = fragments.offsets, fragments.lengths
        firsts = array("Q", (0, len(fragments.offsets)))
        return FrameTable(Kind.VIDEO, syntax, frames, 1, 0, 0, False, *spans, firsts, tuple(fragments.problems))
    return _encapsulated(header, read, fragments, frames)


def is_video(transfer_syntax: str) -> bool:
    """MPEG-2, H.264, HEVC (one stream for all frames, .100-.108 and their fragmentable forms) and SMPTE ST 2110."""
    if transfer_syntax.startswith("1.2.840.10008.1.2.7."):
        return True
    head, _, rest = transfer_syntax.partition("1.2.840.10008.1.2.4.")
    number = rest.split(".")[0]
    return not head and number.isdigit() and _VIDEO_FIRST <= int(number) <= _VIDEO_LAST


def native_frame_bits(header: PixelHeader, stored_bytes: int, frames: int) -> int:
    """Bits of one uncompressed frame (PS3.5 8.1, PS3.3 C.7.6.3)."""
    rows, columns = header.integer("Rows") or 0, header.integer("Columns") or 0
    if not (0 < rows <= 0xFFFF and 0 < columns <= 0xFFFF):
        raise Invalid("Rows and Columns do not describe an image", code="bad_pixel_attributes")
    if header.pixel_tag == 0x7FE00008:
        return rows * columns * 32
    if header.pixel_tag == 0x7FE00009:
        return rows * columns * 64
    samples = header.integer("SamplesPerPixel") or 1
    allocated = header.integer("BitsAllocated") or 0
    if not 1 <= samples <= 4 or allocated not in (1, 8, 16, 32, 64):
        raise Invalid(f"{samples} samples of {allocated} bits are not an image", code="bad_pixel_attributes")
    bits = rows * columns * samples * allocated
    subsampled = header.text("PhotometricInterpretation") in ("YBR_FULL_422", "YBR_PARTIAL_422") and samples == 3
    if subsampled and stored_bytes * 8 < bits * frames:  # some writers say 422 and store all samples
        bits = rows * columns * 2 * allocated
    return bits


def _native(header: PixelHeader, end: int, frames: int) -> FrameTable:
    start = header.pixel_offset or 0
    stored = max(0, end - start)
    bits = native_frame_bits(header, stored, frames)
    available = min(frames, stored * 8 // bits)
    problems = []
    if available < frames:
        problems.append(f"pixel data holds {available} of {frames} frames")
    elif (stored - 1) * 8 >= bits * (frames + 1):  # a pad byte may be as large as a frame
        problems.append(f"pixel data is longer than {frames} frames")
    syntax = header.transfer_syntax
    if syntax not in uids.NATIVE:
        problems.append("pixel data is not encapsulated although the transfer syntax is a compressed one")
        syntax = uids.EXPLICIT_VR_LITTLE_ENDIAN
    swapped = syntax == uids.EXPLICIT_VR_BIG_ENDIAN and _is_word_swapped(header)
    return FrameTable(Kind.NATIVE, syntax, frames, available, start, bits, swapped, problems=tuple(problems))


def _is_word_swapped(header: PixelHeader) -> bool:
    """Cells of 1 or 8 bits in big-endian OW lie two to a word, the first in the low byte (PS3.5 8.2, Annex D)."""
    return header.pixel_vr == "OW" and (header.integer("BitsAllocated") or 0) <= 8


def _shift_bits(data: bytes, skip: int, bits: int) -> bytes:
    """Move a 1-bit frame that begins `skip` bits into its first byte to bit 0 (bits are ordered from the lowest)."""
    number = (int.from_bytes(data, "little") >> skip) & ((1 << bits) - 1)
    return number.to_bytes(-(-bits // 8), "little")


def _encapsulated(header: PixelHeader, read: Read, fragments: Fragments, frames: int) -> FrameTable:
    count = len(fragments.offsets)
    problems = fragments.problems
    extended = header.raw("ExtendedOffsetTable")
    firsts: array[int] | None = None
    if frames == 1 and count:
        firsts = array("Q", (0, count))
    elif count > frames or fragments.table or extended:
        firsts = by_tables(extended, fragments, frames)
    if firsts is None and count > frames:
        firsts = by_starts(read, fragments, frames)
    if firsts is None:
        firsts = array("Q", range(min(count, frames) + 1)) if count <= frames else array("Q", (0,))
    available = len(firsts) - 1
    if available < frames:
        problems.append(f"pixel data holds {available} of {frames} frames")
    if available == count:
        firsts = array("Q")
    spans = fragments.offsets, fragments.lengths
    return FrameTable(
        Kind.ENCAPSULATED, header.transfer_syntax, frames, available, 0, 0, False, *spans, firsts, tuple(problems)
    )
