"""Makes requirements.lock: every package of a build with its version and the digests of its files, for each Python it runs on.

`--check` asks no index: it compares what pyproject.toml and the lock say. `--fits` is for an environment in which nothing is installed yet.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
PYTHONS = ("3.11", "3.12", "3.13")
_GLIBC = ("2_34", "2_28", "2_27", "2_26", "2_24", "2_17", "2_12", "2_5")
_HEAD = """# Made by `make lock`: what a build for Linux on x86-64 is made of, with the digests of the files. `make setup` takes nothing else.
"""

Pins = dict[str, dict[str, dict[str, set[str]]]]  # name -> version -> digest -> Pythons


def wanted() -> list[str]:
    """What a build names itself: run time, the tools that make client, bill and wheel, and pip, which fetches the rest."""
    said = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = said["dependency-groups"]
    return [
        *said["project"]["dependencies"],
        *groups["web"],
        *groups["bill"],
        *said["build-system"]["requires"],
        "editables",
        "pip",
    ]


def resolved(python: str, folder: Path) -> list[dict[str, Any]]:
    """What pip would install there; nothing is installed, wheels only."""
    report, tag = folder / f"{python}.json", f"cp{python.replace('.', '')}"
    platforms = [f"manylinux_{glibc}_x86_64" for glibc in _GLIBC] + [
        "manylinux2014_x86_64",
        "manylinux2010_x86_64",
        "manylinux1_x86_64",
    ]
    words = ["--python-version", python, "--implementation", "cp", "--abi", tag, "--abi", "abi3", "--abi", "none"]
    words += [word for platform in platforms for word in ("--platform", platform)]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--only-binary", ":all:",
         "--target", str(folder / "none"), "--report", str(report), *words, *wanted()],
        check=True,
    )  # fmt: skip
    installs: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["install"]
    return installs


def collect() -> Pins:
    from packaging.utils import canonicalize_name

    pins: Pins = {}
    with tempfile.TemporaryDirectory() as folder:
        for python in PYTHONS:
            for one in resolved(python, Path(folder)):
                facts = one["metadata"]
                digest = one["download_info"]["archive_info"]["hashes"]["sha256"]
                versions = pins.setdefault(canonicalize_name(facts["name"]), {})
                versions.setdefault(facts["version"], {}).setdefault(digest, set()).add(python)
    return pins


def render(pins: Pins) -> str:
    lines = [_HEAD]
    for name, versions in sorted(pins.items()):
        for version, digests in sorted(versions.items()):
            pythons = sorted(set().union(*digests.values()))
            marker = (
                ""
                if pythons == sorted(PYTHONS)
                else " ; " + " or ".join(f'python_version == "{one}"' for one in pythons)
            )
            hashes = "".join(f" \\\n    --hash=sha256:{digest}" for digest in sorted(digests))
            lines.append(f"{name}=={version}{marker}{hashes}\n")
    return "".join(lines)


def read(text: str) -> dict[str, list[tuple["Requirement", list[str]]]]:
    """name -> its pins, each with the digests of its files."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, list[tuple[Requirement, list[str]]]] = {}
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        said, *hashes = line.split(" --hash=sha256:")
        pin = Requirement(said.strip())
        found.setdefault(canonicalize_name(pin.name), []).append((pin, [one.strip() for one in hashes]))
    return found


def missing() -> list[str]:
    """What pyproject.toml asks for and the lock does not give to each Python; empty when it is in force."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    locked, lacking = read(LOCK.read_text(encoding="utf-8")), []
    for text in wanted():
        asked = Requirement(text)
        for python in PYTHONS:
            pins = [
                pin for pin, hashes in locked.get(canonicalize_name(asked.name), []) if hashes and _holds(pin, python)
            ]
            versions = [next(iter(pin.specifier)).version for pin in pins]
            if len(versions) != 1 or not asked.specifier.contains(versions[0]):
                lacking.append(f"{text} on Python {python}: {', '.join(versions) or 'not there'}")
    return lacking


def _holds(pin: "Requirement", python: str) -> bool:
    return pin.marker is None or pin.marker.evaluate({"python_version": python})


def fits() -> bool:
    """Whether the lock has digests for this machine and this Python."""
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return (platform.system(), platform.machine()) == ("Linux", "x86_64") and here in PYTHONS


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--fits", action="store_true", help="exit status 0 where the lock has an answer")
    arguments.add_argument(
        "--check", action="store_true", help="write nothing; exit status 1 when something is missing"
    )
    given = arguments.parse_args()
    if given.fits:
        return 0 if fits() else 1
    if given.check:
        found = missing()
        for one in found:
            print(f"requirements.lock lacks {one}: run `make lock`")
        return 1 if found else 0
    LOCK.write_text(render(collect()), encoding="utf-8")
    print(f"{LOCK.name}: {len(read(LOCK.read_text(encoding='utf-8')))} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
