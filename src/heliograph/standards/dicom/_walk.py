"""The tag walker: finds where each element begins and ends, decodes nothing, never recurses (PS3.5 7)."""

from typing import Final

from heliograph.standards.dicom import tags
from heliograph.standards.dicom._layout import (
    BIG,
    DELIMITERS,
    FRAGMENTED,
    FRAGMENTS,
    ITEM,
    LITTLE,
    LONG,
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_OPEN,
    MAX_PROBLEMS,
    MAX_TOP_LEVEL,
    SEQUENCE,
    SHORT,
    UNDEFINED,
    Buffer,
    Element,
    Endianness,
    Extent,
    Frame,
    Item,
    Unparseable,
    ordinary_explicit,
    ordinary_implicit,
    skip_ordinary,
)

_MAX_DISORDER: Final = 1000
_PADDING_STEP: Final = 1 << 16
Head = tuple[int, str, int, int]  # tag, VR, offset of the value, length


class Walker:
    """Walks one data set; `ran_out` is the offset that should have been there when the bytes ended too early."""

    __slots__ = (
        "_disorder",
        "_limit",
        "complete",
        "data",
        "end",
        "explicit",
        "found",
        "order",
        "pixel",
        "problems",
        "ran_out",
        "walked",
    )

    def __init__(
        self,
        data: Buffer,
        end: int,
        *,
        explicit: bool,
        little: bool,
        complete: bool = True,
        limit: int = MAX_ELEMENTS,
    ) -> None:
        self.data = data
        self.end = end
        self.explicit = explicit
        self.order = LITTLE if little else BIG
        self.complete = complete  # False: more bytes may follow, so nothing near the end is judged
        self.found: dict[int, Extent] = {}
        self.pixel: Head | None = None
        self.problems: list[str] = []
        self.ran_out = 0
        self.walked = 0
        self._limit = limit
        self._disorder = 0

    def note(self, what: str, tag: int | None = None) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            text = what if tag is None else f"{what} {tags.text_of(tag)}"
            if text not in self.problems:
                self.problems.append(text)

    # -- top level ---------------------------------------------------------------------------------------------

    def top_level(self, pos: int) -> int:
        """Fills `found` up to Pixel Data or the end; answers where that is."""
        run = ordinary_explicit if self.explicit else ordinary_implicit
        last = -1
        while pos < self.end and self.pixel is None:
            pos, last = run(self.data, pos, self.end, self.order, self.found, last=last)
            if pos < self.end:
                if len(self.found) >= MAX_TOP_LEVEL:
                    raise Unparseable(f"more than {MAX_TOP_LEVEL} elements at the top level")
                pos, last = self._remarkable(pos, last)
        return pos

    def _remarkable(self, pos: int, last: int) -> tuple[int, int]:
        head = self.head(pos, self.end, explicit=self.explicit, order=self.order, last=last)
        if head is None:
            return self._rest_is_not_elements(pos), last
        tag, vr, start, length = head
        if tag >> 16 == DELIMITERS:
            return self._stray_delimiter(tag, start, length, last), last
        if tag in tags.PIXEL_TAGS:
            self.pixel = head
            return pos, last
        if tag <= last:
            if self._is_padding(pos):
                self.note("padding after the data set")
                return self.end, last
            self._note_disorder(tag)
        if length == UNDEFINED:
            stop, length = self._skip_undefined(tag, vr, start)
        else:
            stop = self._stop_of(tag, start, length)
            length = stop - start if stop == self.end else length
        if tag not in self.found:
            self.found[tag] = (vr, start, length)
        return stop, max(last, tag)

    def _stop_of(self, tag: int, start: int, length: int) -> int:
        stop = start + length
        if stop > self.end:
            self.note("the value ends behind the last byte:", tag)
            self.ran_out = stop
            return self.end
        if length & 1:
            self.note("odd length of", tag)
            # A writer that pads without counting the pad byte.
            if not self._element_at(stop, self.end, tag) and self._element_at(stop + 1, self.end, tag):
                return stop + 1
        return stop

    def _note_disorder(self, tag: int) -> None:
        self._count_disorder()
        self.note("given twice:" if tag in self.found else "out of order:", tag)

    def _count_disorder(self) -> None:
        self._disorder += 1
        if self._disorder > _MAX_DISORDER:
            raise Unparseable("the elements are in no order", code="disorder")

    def _rest_is_not_elements(self, pos: int) -> int:
        if self._is_padding(pos):
            self.note("padding after the data set")
            self.ran_out = 0 if self.complete else self.ran_out
        elif not self.ran_out:
            self.note("an element that cannot be read ends the header")
            self.ran_out = self.end + 1
        return self.end

    def _is_padding(self, pos: int) -> bool:
        if not self.complete:
            return False
        return not any(
            bytes(self.data[start : min(start + _PADDING_STEP, self.end)]).strip(b"\0")
            for start in (pos, *range(pos + 8, self.end, _PADDING_STEP))
        )

    def _stray_delimiter(self, tag: int, start: int, length: int, last: int) -> int:
        """Items and delimiters at the top level belong to a sequence that ended too early."""
        self._count_disorder()
        if tag != tags.ITEM:
            self.note("a delimiter where none belongs, after", max(last, 0))
            return start
        self.note("an item outside of its sequence, after", max(last, 0))
        if length == UNDEFINED:
            frame = Frame(ITEM, self.end, is_open=True, explicit=self.explicit, order=self.order, holder=None)
            stop = self.walk(frame, start)
        else:
            stop = min(start + length, self.end)
        extent = self.found.get(last)
        if extent is not None and extent[0] in ("SQ", "UN", ""):
            self.found[last] = (extent[0], extent[1], stop - extent[1])
        return stop

    def _skip_undefined(self, tag: int, vr: str, start: int) -> tuple[int, int]:
        if vr != "UN":
            stop = skip_ordinary(self.data, start, self.end, self.order, explicit=self.explicit)
            if stop >= 0:
                return stop + 8, stop - start
        holder = Element(tag, vr, start, 0)
        frame = self.frame_of(holder, UNDEFINED, self.end, explicit=self.explicit, order=self.order)
        stop = self.walk(frame, start, keep=0)
        return stop, holder.length

    # -- one element -------------------------------------------------------------------------------------------

    def head(self, pos: int, end: int, *, explicit: bool, order: Endianness, last: int = -1) -> Head | None:
        """The element that begins at pos; None when it cannot be read or does not fit."""
        if pos + 8 > end:
            self._short(pos + 8, end)
            return None
        group, number, length = order.implicit(self.data, pos)
        tag = group << 16 | number
        if not explicit or group == DELIMITERS:
            return tag, "", pos + 8, length
        _, _, code, short_length = order.explicit(self.data, pos)
        vr = SHORT.get(code)
        if vr is not None:
            return tag, vr, pos + 8, short_length
        if pos + 12 > end:
            self._short(pos + 12, end)
            return None
        vr = LONG.get(code)
        if vr is not None:
            return tag, vr, pos + 12, order.long(self.data, pos + 8)[0]
        return self._without_vr(pos, end, code, order, last=max(last, tag))

    def _without_vr(self, pos: int, end: int, code: bytes, order: Endianness, *, last: int) -> Head | None:
        """No VR where one must be: written implicitly, or a VR of the future; the next element tells which."""
        group, number, length = order.implicit(self.data, pos)
        tag = group << 16 | number
        implicit = (tag, "", pos + 8, length)
        short = (tag, "UN", pos + 8, order.explicit(self.data, pos)[3])
        long = (tag, "UN", pos + 12, order.long(self.data, pos + 8)[0])
        is_name = all(65 <= byte <= 90 for byte in code)
        readings: tuple[Head, ...] = (long, short, implicit) if is_name else (implicit, short, long)
        for reading in readings:
            stop = reading[2] + reading[3]
            if reading[3] == UNDEFINED:
                fits = self._item_at(reading[2], end, order)
            else:
                fits = stop <= end and self._element_at(stop, end, last, order)
            if fits:
                self.note("no valid VR at", tag)
                return reading
        if not self.complete:
            self.ran_out = max(self.ran_out, min(reading[2] + reading[3] for reading in readings) + 12)
        return None

    def _short(self, needed: int, end: int) -> None:
        if end == self.end:
            self.ran_out = needed

    def _element_at(self, pos: int, end: int, last: int, order: Endianness | None = None) -> bool:
        """Whether a believable element follows: a higher tag with a VR, a delimiter, or the end."""
        order = order or self.order
        if pos + 8 > end:
            return pos == end or (pos < end and not self.complete)
        group, number, code, _ = order.explicit(self.data, pos)
        tag = group << 16 | number
        if group == DELIMITERS:
            return tag in (tags.ITEM, tags.ITEM_DELIMITATION, tags.SEQUENCE_DELIMITATION)
        if tag <= last:
            return False
        if not self.explicit:
            length: int = order.implicit(self.data, pos)[2]
            return length == UNDEFINED or pos + 8 + length <= end
        return code in SHORT or code in LONG

    def _item_at(self, pos: int, end: int, order: Endianness) -> bool:
        if pos + 8 > end:
            return False
        group, number, _ = order.implicit(self.data, pos)
        return bool(group == DELIMITERS and number in (0xE000, 0xE0DD))

    def explicit_at(self, pos: int, end: int, order: Endianness, *, expected: bool) -> bool:
        """Whether the elements of an item that begins at pos are explicit: some items differ from their data set."""
        if pos + 12 > end:
            return expected
        group, _, code, length = order.explicit(self.data, pos)
        if group == DELIMITERS or (code in SHORT or code in LONG) == expected:
            return expected
        implicit_length: int = order.implicit(self.data, pos)[2]
        if expected:
            return not (implicit_length == UNDEFINED or pos + 8 + implicit_length <= end)
        if implicit_length == UNDEFINED or pos + 8 + implicit_length <= end:
            return False
        start = pos + 8 if code in SHORT else pos + 12
        length = int(length if code in SHORT else order.long(self.data, pos + 8)[0])
        return length == UNDEFINED or start + length <= end

    # -- containers --------------------------------------------------------------------------------------------

    def frame_of(self, holder: Element, length: int, end: int, *, explicit: bool, order: Endianness) -> Frame:
        """The container that the value of an element is."""
        kind = SEQUENCE
        if holder.vr in FRAGMENTED or (holder.vr == "" and holder.tag in tags.PIXEL_TAGS):
            kind = FRAGMENTS
        elif holder.vr == "UN":  # CP-246: the items are in Implicit VR Little Endian
            explicit, order = False, LITTLE
        is_open = length == UNDEFINED
        stop = end if is_open else min(end, holder.offset + length)
        return Frame(kind, stop, is_open=is_open, explicit=explicit, order=order, holder=holder)

    def walk(self, first: Frame, pos: int, keep: int = 0) -> int:
        """Walks a container to its end; builds its elements down to `keep` levels and only skips below."""
        stack = [first]
        while stack:
            frame = stack[-1]
            if pos + 8 > frame.end:
                pos = self._end_of_container(stack, pos)
            elif frame.kind == ITEM:
                pos = self._in_item(stack, frame, pos, keep)
            else:
                pos = self._in_sequence(stack, frame, pos, keep)
        return pos

    def _end_of_container(self, stack: list[Frame], pos: int) -> int:
        frame = stack.pop()
        if frame.is_open:
            self._short(frame.end + 8, frame.end)
            self.note("a sequence or an item without its delimiter")
        elif pos < frame.end:
            self.note("stray bytes at the end of a sequence or an item")
        _close(frame, frame.end)
        return frame.end

    def _in_sequence(self, stack: list[Frame], frame: Frame, pos: int, keep: int) -> int:
        group, number, length = frame.order.implicit(self.data, pos)
        tag = group << 16 | number
        start = pos + 8
        if tag == tags.ITEM:
            return self._begin_item(stack, frame, start, length, keep)
        if tag == tags.SEQUENCE_DELIMITATION and frame.is_open:
            if length:
                self.note("a delimiter with a length")
            stack.pop()
            _close(frame, pos)
            return start
        if group == DELIMITERS:
            self.note("a delimiter where none belongs")
            return start
        self.note("a sequence without its delimiter" if frame.is_open else "bytes in a sequence that are no item")
        stack.pop()
        if frame.is_open:
            _close(frame, pos)
            return pos
        _close(frame, frame.end)
        return frame.end

    def _begin_item(self, stack: list[Frame], frame: Frame, start: int, length: int, keep: int) -> int:
        self._count()
        stop = start + length
        is_open = length == UNDEFINED
        if is_open:
            stop = frame.end
        elif stop > frame.end:
            self.note("an item is longer than its sequence")
            self._short(stop, frame.end)
            stop = frame.end
        if frame.kind == FRAGMENTS:
            return stop
        holder = None
        if isinstance(frame.holder, Element) and len(stack) // 2 < keep:
            holder = Item(start, stop - start, frame.order.little)
            if frame.holder.items is None:
                frame.holder.items = []
            frame.holder.items.append(holder)
        else:
            if keep:
                self.note(f"nested deeper than {MAX_DEPTH}")
            if not is_open:
                return stop
        explicit = self.explicit_at(start, stop, frame.order, expected=frame.explicit)
        stack.append(Frame(ITEM, stop, is_open=is_open, explicit=explicit, order=frame.order, holder=holder))
        return start

    def _in_item(self, stack: list[Frame], frame: Frame, pos: int, keep: int) -> int:
        head = self.head(pos, frame.end, explicit=frame.explicit, order=frame.order)
        if head is None:
            self.note("an item with an element that cannot be read")
            return frame.end
        tag, vr, start, length = head
        if tag >> 16 == DELIMITERS:
            return self._delimiter_in_item(stack, frame, tag, start, length)
        self._count()
        element = Element(tag, vr, start, length)
        if isinstance(frame.holder, Item):
            frame.holder.elements.append(element)
        if length == UNDEFINED:
            if len(stack) >= MAX_OPEN:
                raise Unparseable("nested without end")
            child = self.frame_of(element, length, frame.end, explicit=frame.explicit, order=frame.order)
            if not isinstance(frame.holder, Item):
                child.holder = None
            stack.append(child)
            return start
        stop = start + length
        if stop > frame.end:
            self.note("the value ends behind its item:", tag)
            self._short(stop, frame.end)
            stop = frame.end
            element.length = length = stop - start
        if isinstance(frame.holder, Item) and length >= 8 and self.is_sequence(element, start, stop):
            if len(stack) // 2 < keep:
                element.items = []
                stack.append(self.frame_of(element, length, frame.end, explicit=frame.explicit, order=frame.order))
                return start
            self.note(f"nested deeper than {MAX_DEPTH}")
        return stop

    def is_sequence(self, element: Element, start: int, stop: int) -> bool:
        """Whether the value holds items: by VR, by the dictionary, or by the look of a private value."""
        if element.vr == "SQ":
            return True
        if element.vr not in ("", "UN"):
            return False
        order = LITTLE if element.vr == "UN" else self.order
        if not self._item_at(start, stop, order):
            return False
        if tags.vr_of(element.tag) == "SQ":
            return True
        # A private sequence whose VR was lost: its items must tile the value.
        return tags.is_private(element.tag) and self._tiles(start, stop, order)

    def _tiles(self, pos: int, stop: int, order: Endianness) -> bool:
        while pos < stop:
            if not self._item_at(pos, stop, order):
                return False
            length = order.implicit(self.data, pos)[2]
            if length == UNDEFINED:
                return True
            pos += 8 + length
        return pos == stop

    def _delimiter_in_item(self, stack: list[Frame], frame: Frame, tag: int, start: int, length: int) -> int:
        if tag == tags.ITEM_DELIMITATION and frame.is_open:
            if length:
                self.note("a delimiter with a length")
            stack.pop()
            _close(frame, start - 8)
            return start
        if tag == tags.ITEM and frame.is_open and len(stack) > 1:
            self.note("an item without its delimiter")
            stack.pop()
            _close(frame, start - 8)
            return start - 8
        if tag == tags.SEQUENCE_DELIMITATION and frame.is_open:
            return self._wrong_delimiter(stack, frame, start)
        self.note("a delimiter where none belongs")
        return start

    def _wrong_delimiter(self, stack: list[Frame], frame: Frame, start: int) -> int:
        """(FFFE,E0DD) inside an item: written in place of (FFFE,E00D), or the item's own delimiter is missing."""
        self.note("a sequence delimiter in place of an item delimiter")
        stack.pop()
        _close(frame, start - 8)
        if self._item_at(start, frame.end, frame.order):
            return start
        if stack and stack[-1].is_open:
            _close(stack.pop(), start - 8)
        return start

    def _count(self) -> None:
        self.walked += 1
        if self.walked > self._limit:
            raise Unparseable(f"more than {self._limit} elements", code="too_many_elements")


def _close(frame: Frame, pos: int) -> None:
    if frame.is_open and frame.holder is not None:
        frame.holder.length = pos - frame.holder.offset
