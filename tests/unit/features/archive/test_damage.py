"""A damaged object is known in every process that reads, and given out again when it compares again (N21)."""

import pytest

from heliograph.features.archive import damage, verify
from heliograph.kit.errors import Broken


def _row(tx, sop_uid):
    return tx.execute(
        "select id, blob, prefix_bytes, size_bytes from instance where sop_uid = %s", (sop_uid,)
    ).fetchone()


def _only(scratch, blobs, row_id):
    return verify.verify(scratch, blobs, cursor={"instance": str(row_id - 1)})


def test_what_differs_is_withheld_and_what_compares_again_is_given_again(put, slice_of, shape, scratch, intake):
    put(slice_of(shape, 1))
    put(slice_of(shape, 2))
    with scratch.transaction() as tx:
        row_id, blob, prefix, size = _row(tx, shape.sop_uid(1))
        other = _row(tx, shape.sop_uid(2))[1]
    blobs = intake.blobs
    path, start, _ = blobs.locate(blob)
    at = start + size - 1

    def flip():
        with path.open("r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1]))

    flip()
    try:
        assert [one["fault"] for one in _only(scratch, blobs, row_id).faults] == ["digest_differs"]
        assert len(blobs.read(blob)) == size, "what another process found is known here after a look"
        damage.withhold(scratch, blobs)
        with pytest.raises(Broken) as refused:
            blobs.read(blob, prefix, 4)
        assert refused.value.code == "object_damaged"
        assert blobs.read(other)
        assert [one["fault"] for one in _only(scratch, blobs, row_id).faults] == ["digest_differs"], (
            "compared again as it is"
        )
    finally:
        flip()
    assert not _only(scratch, blobs, row_id).faults
    damage.withhold(scratch, blobs)
    assert blobs.withheld == frozenset()
    assert len(blobs.read(blob)) == size


def test_an_object_that_is_found_twice_is_known_once(put, slice_of, shape, scratch, intake):
    put(slice_of(shape, 1))
    with scratch.transaction() as tx:
        blob = _row(tx, shape.sop_uid(1))[1]
        damage.record(tx, damaged=[blob, blob], whole=[])
    damage.withhold(scratch, intake.blobs)
    assert intake.blobs.withheld == {blob}
    with scratch.transaction() as tx:
        damage.record(tx, damaged=[], whole=[blob])
    damage.withhold(scratch, intake.blobs)
    assert not intake.blobs.withheld
