"""What a decoder that has been taken over can still do: nothing (P6 to P8, N13, N14)."""

import _thread
import json
import os
import pickle
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.engine import fence
from heliograph.engine._decoder import BEGUN, BYTES, ERROR, LENGTH, PLAIN
from heliograph.engine._pipe import Ended, plain_answer
from heliograph.engine.children import Children
from heliograph.kit.errors import Broken, HeliographError

needs_whole_fence = pytest.mark.skipif(bool(fence.missing()), reason=f"this kernel lacks {fence.missing()}")


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    made = Children(count=1)
    yield made
    made.close()


@needs_whole_fence
def test_nothing_outside_can_be_reached(children: Children) -> None:
    assert children.do(fence.holes) == ""


def test_without_the_fence_the_same_attempts_succeed() -> None:
    """The attempts are real ones: what is tried is possible here."""
    made = Children(count=1, is_fenced=False)
    try:
        found = set(made.do(_harmless_holes).split())
    finally:
        made.close()
    assert found >= {"read_a_file", "list_a_folder", "open_a_socket", "open_a_local_socket"}


def _harmless_holes() -> str:
    attempts = dict(fence._attempts())
    return " ".join(
        name
        for name in ("read_a_file", "list_a_folder", "open_a_socket", "open_a_local_socket")
        if fence._succeeds(attempts[name])
    )


def test_threads_are_allowed(children: Children) -> None:
    """Codecs use them."""
    assert children.do(_thread.start_new_thread, print, ()) > 0


def test_the_environment_is_empty(children: Children) -> None:
    """The address of a database, with its password, may stand in ours."""
    names = children.do(eval, "' '.join(__import__('os').environ)")
    assert set(names.split()) <= {"LC_ALL", "LC_CTYPE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}


class Trap:
    """Unpickled, it would run what it likes."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


@pytest.mark.parametrize("kind", [PLAIN, ERROR, BEGUN, b"\x80", b"", b"x"])
@pytest.mark.parametrize(
    "body",
    [
        pickle.dumps(Trap()),
        b"[" * 60_000,
        b"{}",
        b"[1,2,3]",
        b'["SystemExit","",""]',
        b'["KeyboardInterrupt","","x"]',
        b'["__import__","os","x"]',
        b'"' + b"x" * 100_000 + b'"',
        b"\xff\xfe",
        b"",
    ],
)
def test_an_answer_that_none_of_ours_gives_is_the_end_of_the_child_and_of_nothing_else(
    kind: bytes, body: bytes
) -> None:
    with pytest.raises((Ended, Broken)):
        plain_answer(kind, body)


@given(
    st.sampled_from([PLAIN, ERROR]),
    st.binary(max_size=300)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()),
)
def test_whatever_is_said_is_a_plain_value_or_an_error(kind: bytes, body: bytes) -> None:
    try:
        told = plain_answer(kind, body)
    except (Ended, HeliographError, ArithmeticError, MemoryError, TypeError, ValueError):
        return
    assert told is None or isinstance(told, bool | int | float | str)


def test_the_words_of_an_error_are_printable_and_short() -> None:
    with pytest.raises(HeliographError) as told:
        plain_answer(ERROR, json.dumps(["Invalid", "bad\r\ncode", "a\x1b[31m\r\n" * 1000]).encode())
    assert told.value.code == "undecodable"
    assert told.value.message.isprintable()
    assert len(told.value.message) <= 400


def test_a_child_that_announces_more_than_anybody_may_is_ended(children: Children) -> None:
    with pytest.raises(Broken) as told:
        children.do(os.write, 3, LENGTH.pack(1 << 60) + BYTES)
    assert told.value.code == "decoder_died"
    assert children.do(abs, -3) == 3
