"""The one error tree; each gateway owns one table from class to wire status.

    HeliographError
    ├── Invalid    what was sent cannot be used; the message names the field and the fix
    ├── Refused    the actor may not (NotSignedIn: there is no actor)
    ├── Held       kept, but set aside for a person to decide
    ├── Absent     not there, or not there for this actor
    ├── Conflict   it contradicts what is stored
    ├── Busy       try again later (retry_after_s)
    └── Broken     our fault, or damaged storage

`code` is stable and documented. Messages never carry patient data.
"""


class HeliographError(Exception):
    """Base of every error that Heliograph raises on purpose."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, **detail: object) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        if code is not None:
            self.code = code


class Invalid(HeliographError):
    code = "invalid"


class Refused(HeliographError):
    code = "refused"


class NotSignedIn(Refused):
    code = "not_signed_in"


class Held(HeliographError):
    code = "held"


class Absent(HeliographError):
    code = "absent"


class Conflict(HeliographError):
    code = "conflict"


class Busy(HeliographError):
    code = "busy"

    def __init__(self, message: str, *, code: str | None = None, retry_after_s: float = 5.0, **detail: object) -> None:
        super().__init__(message, code=code, **detail)
        self.retry_after_s = retry_after_s


class Broken(HeliographError):
    code = "broken"
