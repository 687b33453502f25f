"""DIMSE statuses, and the one table from our errors to them (PS3.7 C, PS3.4 B.2.3, C.4)."""

from heliograph.kit.errors import Absent, Broken, Busy, Conflict, Held, HeliographError, Invalid, Refused

SUCCESS = 0x0000
CANCEL = 0xFE00
PENDING = 0xFF00
PENDING_WITHOUT_OPTIONAL_KEYS = 0xFF01
PROCESSING_FAILURE = 0x0110
DUPLICATE_SOP_INSTANCE = 0x0111
NO_SUCH_SOP_INSTANCE = 0x0112
SOP_CLASS_NOT_SUPPORTED = 0x0122
NOT_AUTHORIZED = 0x0124
UNRECOGNIZED_OPERATION = 0x0211
MISTYPED_ARGUMENT = 0x0212
OUT_OF_RESOURCES = 0xA700
OUT_OF_RESOURCES_MATCHES = 0xA701
OUT_OF_RESOURCES_SUBOPERATIONS = 0xA702
MOVE_DESTINATION_UNKNOWN = 0xA801
DATA_SET_DOES_NOT_MATCH = 0xA900
SUBOPERATIONS_WITH_FAILURES = 0xB000
CANNOT_UNDERSTAND = 0xC000

_BY_ERROR: dict[type[HeliographError], int] = {
    Invalid: CANNOT_UNDERSTAND,
    Refused: NOT_AUTHORIZED,
    Held: DUPLICATE_SOP_INSTANCE,
    Conflict: DUPLICATE_SOP_INSTANCE,
    Absent: NO_SUCH_SOP_INSTANCE,
    Busy: OUT_OF_RESOURCES,
    Broken: PROCESSING_FAILURE,
}


def status_of(error: HeliographError) -> int:
    """The failure status of an error by its class."""
    for kind in type(error).__mro__:
        if kind in _BY_ERROR:
            return _BY_ERROR[kind]
    return PROCESSING_FAILURE


_QUERY_BY_ERROR: dict[type[HeliographError], int] = {
    Invalid: DATA_SET_DOES_NOT_MATCH,
    Refused: NOT_AUTHORIZED,
    Busy: OUT_OF_RESOURCES_MATCHES,
}


def status_of_query(error: HeliographError) -> int:
    """The failure status of a C-FIND, C-MOVE or C-GET that cannot begin (PS3.4 C.4)."""
    for kind in type(error).__mro__:
        if kind in _QUERY_BY_ERROR:
            return _QUERY_BY_ERROR[kind]
    return CANNOT_UNDERSTAND


_MEANINGS: dict[int, str] = {
    PROCESSING_FAILURE: "processing failure", DUPLICATE_SOP_INSTANCE: "duplicate object", NO_SUCH_SOP_INSTANCE: "no such object",
    0x0117: "invalid object", SOP_CLASS_NOT_SUPPORTED: "kind of object not supported", NOT_AUTHORIZED: "not authorized",
    UNRECOGNIZED_OPERATION: "unrecognized operation", MISTYPED_ARGUMENT: "mistyped argument", MOVE_DESTINATION_UNKNOWN: "destination unknown",
    SUBOPERATIONS_WITH_FAILURES: "some objects failed", CANCEL: "cancelled",
}  # fmt: skip
_CLASSES: dict[int, str] = {0xA700: "out of resources", 0xA900: "data set does not match", 0xC000: "cannot understand"}


def told(status: int) -> str:
    """A failure as the standard names it; the other side's own words (Error Comment) may hold a patient's, and are left where they are."""
    family = status & (0xF000 if status & 0xF000 == 0xC000 else 0xFF00)
    meaning = _MEANINGS.get(status) or _CLASSES.get(family)
    return f"status {status:04X}H" + (f", {meaning}" if meaning else "")


def is_pending(status: int) -> bool:
    return status in {PENDING, PENDING_WITHOUT_OPTIONAL_KEYS}


def is_success(status: int) -> bool:
    return status == SUCCESS


def is_warning(status: int) -> bool:
    """Warnings count as stored (PS3.7 C.3)."""
    return status in {0x0001, 0x0107, 0x0116} or status & 0xF000 == 0xB000
