"""docs/reference/problems.md: every error that the source raises, found in its syntax trees."""

import ast
import importlib
from dataclasses import dataclass
from pathlib import Path

from heliograph.gateways.dimse.status import status_of
from heliograph.gateways.http import PROBLEM_STATUS
from heliograph.kit.errors import HeliographError
from tools.reference._markdown import code, page, table

SOURCE = Path("src/heliograph")
# As gateways.http.problems says it beside its table.
_STATUS_OF_CODE = {
    "too_large": 413,
    "unsupported_media_type": 415,
    "not_acceptable": 406,
    "cursor_gone": 410,
    "too_many_requests": 429,
    "too_many_sign_ins": 429,
    "too_many_steps": 429,
    "volume_used_up": 429,
}

_INTRO = """An error of the HTTP doors is a problem document (RFC 9457, `application/problem+json`):"""

_EXAMPLE = """```json
{"type": "urn:heliograph:problem:no_study", "title": "Not found", "status": 404, "code": "no_study", "detail": "no study fits"}
```"""

_REST = """`code` is stable; programs branch on it. `detail` is a sentence for people and may change. Neither carries patient data. `...` below
stands for a value. A 429 and a 503 have the header `Retry-After`. The DICOM status is the one of a C-STORE; queries and retrieves translate the
class as PS3.4 C.4 says. On the console the sentence is printed and the exit status is 1."""

_GENERAL = (
    ("invalid_field", "422", "A field of the request is missing or unfit; `detail` names it."),
    ("http_404", "404", "No route of this name (and `http_405` and others for what the HTTP layer itself refuses)."),
)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One place that raises an error."""

    code: str
    kind: str
    message: str
    module: str


def problems() -> list[Problem]:
    """Every call of an error class, with the message as a template."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))}
    classes = _classes(trees)
    found = set()
    for path, tree in trees.items():
        module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in classes and node.args:
                kind = classes[node.func.id]
                given = next((one.value for one in node.keywords if one.arg == "code"), None)
                name = given.value if isinstance(given, ast.Constant) else kind.code
                found.add(Problem(str(name), kind.__name__, template(node.args[0]), module))
    return sorted(found)


def render() -> str:
    by_code: dict[str, list[Problem]] = {}
    for one in problems():
        by_code.setdefault(one.code, []).append(one)
    kinds = {kind.__name__: kind for kind in _tree(HeliographError)}
    parts = [
        _INTRO,
        _EXAMPLE,
        _REST,
        "## Classes",
        _class_table(),
        "## General",
        table(("Code", "HTTP", "Meaning"), _general()),
    ]
    rows = [_row(name, found, kinds) for name, found in sorted(by_code.items())]
    parts += ["## Codes", table(("Code", "Class", "HTTP", "DICOM", "Message"), rows)]
    return page("Problems", *parts)


def _row(name: str, found: list[Problem], kinds: dict[str, type[HeliographError]]) -> tuple[str, str, str, str, str]:
    used = sorted({one.kind for one in found})
    return (
        f'<a id="{name}"></a>{code(name)}',
        ", ".join(used),
        ", ".join(dict.fromkeys(str(_http(kinds[one], name)) for one in used)),
        ", ".join(dict.fromkeys(_dicom(kinds[one]) for one in used)),
        "<br>".join(sorted({one.message for one in found if one.message})),
    )


def _dicom(kind: type[HeliographError]) -> str:
    return f"{status_of(kind('')):04X}"


def template(node: ast.expr) -> str:
    """The text of a message, `...` where a value is put in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "..." for one in node.values)
    if isinstance(node, ast.BinOp):
        return template(node.left) + template(node.right)
    if isinstance(node, ast.IfExp):
        return f"{template(node.body)} / {template(node.orelse)}"
    return "..."


def _classes(trees: dict[Path, ast.Module]) -> dict[str, type[HeliographError]]:
    """Error classes by name: the modules that define some are imported, then the tree is walked."""
    bases = {kind.__name__ for kind in _tree(HeliographError)} | {"HeliographError"}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and any(
                isinstance(base, ast.Name) and base.id in bases for base in node.bases
            ):
                importlib.import_module("heliograph." + ".".join(path.relative_to(SOURCE).with_suffix("").parts))
    return {kind.__name__: kind for kind in _tree(HeliographError)}


def _tree(root: type[HeliographError]) -> list[type[HeliographError]]:
    return [one for kind in root.__subclasses__() for one in (kind, *_tree(kind))]


def _http(kind: type[HeliographError], name: str) -> int:
    for one in kind.__mro__:
        if one in PROBLEM_STATUS:
            return _STATUS_OF_CODE.get(name, PROBLEM_STATUS[one])
    return 500


def _class_table() -> str:
    rows = [(kind.__name__, PROBLEM_STATUS[kind], _dicom(kind)) for kind in PROBLEM_STATUS]
    return table(("Class", "HTTP", "DICOM"), rows)


def _general() -> list[tuple[str, str, str]]:
    return [(f'<a id="{name}"></a>{code(name)}', http, text) for name, http, text in _GENERAL]
