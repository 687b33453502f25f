"""N14: objects that act when they are read (Mirth CVE-2023-43208): nothing from outside is unpickled, and a decoder's answer is plain."""

import ast
import pickle
from pathlib import Path

import httpx

import heliograph
from tests.faults.security import hostile
from tests.faults.security.conftest import MIB, Siege
from tests.faults.security.hostile import Identity, element
from tests.peers import dicomweb

ACTING = {
    "pickle",
    "cPickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "yaml",
    "jsonpickle",
    "multiprocessing",
}
# The parent writes, the child reads what its parent wrote; the way back is plain (tests/unit/engine/test_fence.py).
KNOWN = {"engine/_pipe.py": "dumps", "engine/_decoder.py": "loads"}
MARK = Path("/tmp/owned-by-a-pickle")


def test_what_acts_when_it_is_read_is_read_nowhere_else() -> None:
    root = Path(heliograph.__path__[0])
    for file in root.rglob("*.py"):
        name = file.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            acting = {one.partition(".")[0] for one in names} & ACTING
            assert not acting or name in KNOWN, f"{name} imports {acting}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pickle":
                assert node.attr == KNOWN[name], f"{name}: pickle.{node.attr}"
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                raise AssertionError(f"{name}: allow_pickle")


class _Trap:
    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(MARK), "w")


def test_a_pickle_in_every_place_is_bytes(siege: Siege, web: httpx.Client) -> None:
    trap = pickle.dumps(_Trap())
    who = Identity()
    data = (
        hostile.head(who)
        + element(0x00291010, "OB", trap)
        + hostile.image()
        + element(0x7FE00010, "OW", trap.ljust(512, b"\0"))
    )
    assert hostile.store(siege.server.dicom, [(who, data)])[0].status == 0
    assert web.get(who.path + "/rendered").status_code == 200
    assert web.get(who.path + "/metadata").status_code == 200
    dicomweb.stow(web, [trap])
    for kind in ("application/x-python-pickle", "application/octet-stream", "application/json", "application/x-yaml"):
        for path in ("/dicom-web/studies", "/api/studies/search", "/api/session"):
            assert 400 <= web.post(path, content=trap, headers={"Content-Type": kind}).status_code < 500
    web.post("/api/uploads", files=[("file", ("model.pkl", trap))])
    assert not MARK.exists()
    assert siege.rise() < 64 * MIB
