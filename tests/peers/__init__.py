"""Foreign programs and bare wires that talk to a real server in tests and benchmarks.

`heliograph` and `orthanc` start servers on loopback; `dcmtk` and `pynet` are foreign clients; `association` is a sender of our own that
knows exactly which object was acknowledged and can misbehave on purpose; `dicomweb` speaks multipart; `processes` and `ports` serve them.
"""

from typing import NamedTuple


class Dicom(NamedTuple):
    """Where an application entity listens, and what DCMTK's programs must be told besides (certificates)."""

    host: str
    port: int
    aet: str
    options: tuple[str, ...] = ()
