"""P4: sequences without end (Orthanc CVE-2026-10528, DCMTK IC-DCMTK-0003, pydicom#2330)."""

import httpx
import pytest

from tests.faults.security import hostile
from tests.faults.security.conftest import MIB, Siege
from tests.faults.security.hostile import Identity
from tests.peers import dicomweb


@pytest.mark.parametrize("levels", [63, 64, 65, 1_000, 100_000])
def test_an_object_of_many_levels_is_stored_or_held_and_the_next_one_is_stored(
    siege: Siege, web: httpx.Client, levels: int
) -> None:
    deep, next_one = Identity(), Identity()
    front, back = _around(deep)
    data = front + hostile.nested(levels) + back
    told = hostile.store(siege.server.dicom, [(deep, data), (next_one, hostile.honest(next_one))])
    assert told[1].status == 0
    assert told[0].status in ({0} if levels <= 1_000 else {0, 0xC000})
    if told[0].status == 0:
        assert web.get(deep.path + "/metadata").status_code == 200
        (came,) = dicomweb.retrieve(web, deep.path.removeprefix("/dicom-web/"))
        assert came.endswith(data), "the deep part is served as bytes"
    assert siege.rise() < 64 * MIB


def test_levels_of_known_length(siege: Siege, web: httpx.Client) -> None:
    deep = Identity()
    front, back = _around(deep)
    (told,) = hostile.store(siege.server.dicom, [(deep, front + hostile.nested(500, known_lengths=True) + back)])
    assert told.status == 0
    assert web.get(deep.path + "/metadata").status_code == 200
    assert siege.rise() < 64 * MIB


def test_a_query_of_many_levels(siege: Siege) -> None:
    """The identifier of a C-FIND is foreign bytes too."""
    from tests.peers.association import EXPLICIT, Association

    model = "1.2.840.10008.5.1.4.1.2.2.1"
    with Association.connect(siege.server.dicom, [(model, (EXPLICIT,))], calling="HOSTILE") as association:
        level = hostile.element(0x00080052, "CS", "STUDY")
        status, _ = association.find(model, level + hostile.nested(5_000), EXPLICIT)
        assert status != 0xFF00
        status, found = association.find(model, level + hostile.element(0x00100020, "LO", "NOBODY"), EXPLICIT)
        assert (status, found) == (0, [])


def _around(who: Identity) -> tuple[bytes, bytes]:
    """An honest object cut where the sequence belongs (0008,1140)."""
    whole = hostile.honest(who)
    at = whole.index(b"\x10\x00\x10\x00")
    return whole[:at], whole[at:]
