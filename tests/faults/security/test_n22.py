"""N22: packages that are not what they say, and packages nobody knows of (FDA 524B; no one CVE stands for the class): a locked build and its bill."""

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing

import heliograph
from heliograph.kit.bill import bill_of_materials
from tests.faults.security.conftest import Siege
from tests.peers.heliograph import ROOT
from tools import lock

# What may be part of a program under Apache-2.0 that is given out as it is: permissive licences, and weak copyleft of parts that stay files of their own.
PERMISSIVE = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC-BY-4.0", "CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU", "OFL-1.1",
    "PSF-2.0", "PostgreSQL", "Python-2.0", "Unicode-3.0", "Unlicense", "WTFPL", "Zlib", "Apache-2.0 WITH LLVM-exception",
}  # fmt: skip
FILES_OF_THEIR_OWN = {"LGPL-3.0-only", "MPL-2.0"}


@cache
def bill() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(bill_of_materials())
    return read


def packages(kind: str) -> dict[str, dict[str, Any]]:
    return {one["purl"]: one for one in bill()["components"] if one["purl"].startswith(f"pkg:{kind}/")}


def python_names() -> set[str]:
    return {one["name"] for one in packages("pypi").values()}


def test_the_bill_is_what_the_standard_asks_for() -> None:
    """CycloneDX 1.6 (ECMA-424), strictly; every component is reached from the program."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill_of_materials()) is None
    needs = {one["ref"]: one["dependsOn"] for one in bill()["dependencies"]}
    reached, todo = set(), [bill()["metadata"]["component"]["bom-ref"]]
    while todo:
        if (ref := todo.pop()) not in reached:
            reached.add(ref)
            todo += needs[ref]
    assert {one["bom-ref"] for one in bill()["components"]} <= reached


def test_everything_the_program_imports_stands_in_the_bill() -> None:
    """By the sources, imports inside of functions too: a name of a distribution which the bill does not have is red."""
    known = {path.split("/")[0].partition(".")[0] for path in _files()} | sys.stdlib_module_names | {"heliograph", ""}
    for file in Path(heliograph.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert {name.partition(".")[0] for name in names} <= known, f"{file}:{node.lineno}"


IMPORTING = """
import importlib, json, pkgutil, sys
known = set(json.load(sys.stdin)) | set(sys.stdlib_module_names)
class OnlyTheBill:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in known and not name.startswith("_sysconfigdata"):
            raise ModuleNotFoundError(f"{name} does not stand in the bill", name=name)
sys.meta_path.insert(0, OnlyTheBill())
import heliograph
for one in pkgutil.walk_packages(heliograph.__path__, "heliograph."):
    if not one.name.endswith(("__main__", ".env")) and ".versions." not in one.name:
        importlib.import_module(one.name)
print(len(sys.modules))
"""


def test_the_whole_program_is_imported_by_a_python_that_knows_the_bill_alone() -> None:
    """A hook refuses every module that is in no package of the bill: what imports bring along is in it as well, or can be done without."""
    known = [*{path.split("/")[0].partition(".")[0] for path in _files()}, "heliograph", "__editable__"]
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING],
        input=json.dumps(known),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 500


def test_every_native_library_of_the_running_server_stands_in_the_bill(siege: Siege) -> None:
    """As the kernel has mapped them, in every process."""
    mapped = set()
    for pid in siege.server.pids():
        try:
            lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
        except OSError:  # it has ended meanwhile
            continue
        mapped |= {path.partition("site-packages/")[2] for line in lines if ".so" in (path := line.partition("/")[2])}
    assert len(mapped - {""}) > 10
    assert mapped - {""} <= _files()


@cache
def _files() -> set[str]:
    """Where the packages of the bill have their modules and libraries, below site-packages."""
    return {
        str(file)
        for name in python_names()
        for file in importlib.metadata.files(name) or ()
        if file.suffix in {".py", ".so"} or ".so." in file.name
    }


def test_every_licence_fits_the_programs_own() -> None:
    spdx = get_spdx_licensing()
    for one in bill()["components"]:
        for said in one["licenses"]:
            assert "expression" in said, f"{one['name']}: {said} is no SPDX expression"
            assert _fits(spdx.parse(said["expression"])), f"{one['name']}: {said['expression']}"


def _fits(node: Any) -> bool:
    """Of alternatives one must fit, of what holds together all."""
    parts = [_fits(part) for part in getattr(node, "args", ())]
    if parts and type(node).__name__ == "OR":
        return any(parts)
    return all(parts) if parts else str(node) in PERMISSIVE | FILES_OF_THEIR_OWN


def test_every_package_has_the_digest_that_the_lock_has() -> None:
    assert not lock.missing()
    for one in [*packages("pypi").values(), *packages("npm").values()]:
        assert one["version"]
        assert one["hashes"], f"{one['name']} has no digest: `make lock`, `make sbom`"
    said = json.loads((ROOT / "web" / "package-lock.json").read_text())["packages"]
    for place, facts in said.items():
        if place:
            assert facts["integrity"].startswith("sha512-"), place
            assert not re.match(r"(git|https?:|file:)", facts.get("resolved", "")), f"{place} comes from elsewhere"


@pytest.mark.skipif(not lock.fits(), reason="the lock has no answer for this machine")
def test_what_is_installed_is_what_is_locked() -> None:
    held = lock.read(lock.LOCK.read_text())
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for one in packages("pypi").values():
        pins = {
            next(iter(pin.specifier)).version
            for pin, _ in held[one["name"]]
            if pin.marker is None or pin.marker.evaluate({"python_version": here})
        }
        assert pins == {importlib.metadata.version(one["name"])}, f"{one['name']}: `make lock`"


@pytest.mark.parametrize("squat", ["changed by one byte", "under a name like it"])
def test_a_package_that_is_not_the_locked_one_is_not_installed(tmp_path: Path, squat: str) -> None:
    """As `make setup` installs, from a place where somebody has put another file of the same name, or a neighbour."""
    name = "pyotp" if squat == "changed by one byte" else "py0tp"
    version = importlib.metadata.version("pyotp")
    mark = tmp_path / "it-ran"
    _wheel(tmp_path, name, version, f"open({str(mark)!r}, 'w')")
    wanted = tmp_path / "wanted.txt"
    ((_, digests),) = lock.read(lock.LOCK.read_text())["pyotp"]
    wanted.write_text(
        f"{name}=={version}" + ("".join(f" --hash=sha256:{one}" for one in digests) if name == "pyotp" else "")
    )
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-index", "--find-links", str(tmp_path), "--require-hashes",
         "--target", str(tmp_path / "there"), "-r", str(wanted)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode != 0
    assert re.search(r"DO NOT MATCH THE HASHES|Hashes are required", done.stderr), done.stderr[-800:]
    assert not list((tmp_path / "there").glob("*otp*"))
    assert not mark.exists()


def _wheel(folder: Path, name: str, version: str, code: str) -> None:
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as made:
        made.writestr(f"{name}/__init__.py", code)
        made.writestr(
            f"{name}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        made.writestr(
            f"{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        made.writestr(f"{name}-{version}.dist-info/RECORD", "")


def test_a_build_installs_by_the_locks_alone() -> None:
    words = (ROOT / "Makefile").read_text()
    assert "--require-hashes -r requirements.lock" in words
    assert "--no-deps --no-build-isolation" in words, "the tools of the build are locked too"
    assert re.search(r"npm .*\bci\b", words)
    assert "npm install" not in words


def test_the_page_loads_no_script_that_we_did_not_build(siege: Siege, web: httpx.Client) -> None:
    page = web.get("/").text
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith("/"), address
        assert not address.startswith("//"), address


def test_the_bill_is_given_to_who_looks_after_the_server(siege: Siege, web: httpx.Client) -> None:
    told = web.get("/api/about/sbom")
    assert told.status_code == 200, told.text
    assert told.headers["content-type"] == "application/vnd.cyclonedx+json"
    assert told.json() == bill()
    nobody = httpx.get(f"{siege.server.http}/api/about/sbom", trust_env=False, timeout=60)
    assert nobody.status_code == 401
    assert json.loads(siege.server.cli("version", "--sbom").stdout) == bill()
