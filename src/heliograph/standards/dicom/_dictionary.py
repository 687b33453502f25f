"""Reads the tables of pydicom without importing pydicom itself (20 ms in place of 350 ms)."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

_PACKAGE: Final = "pydicom"


def _table(file_name: str) -> ModuleType:
    package = importlib.util.find_spec(_PACKAGE)
    if package is None or package.origin is None:  # pragma: no cover - pydicom is a dependency
        raise ImportError(_PACKAGE)
    path = Path(package.origin).with_name(file_name)
    spec = importlib.util.spec_from_file_location(f"heliograph_{path.stem}", path)
    if spec is None or spec.loader is None:  # pragma: no cover
        raise ImportError(file_name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def attributes() -> tuple[Mapping[int, Any], Mapping[str, Any]]:
    """PS3.6 6: tag -> (VR, VM, name, retired, keyword), and the repeating groups by mask such as 60xx3000."""
    module = _table("_dicom_dict.py")
    return module.DicomDictionary, module.RepeatersDictionary


def identifiers() -> Mapping[str, Any]:
    """PS3.6 A: UID -> (name, kind, note, retired, keyword)."""
    table: Mapping[str, Any] = _table("_uid_dict.py").UID_dictionary
    return table


def private_attributes() -> Mapping[str, Mapping[str, Any]]:
    """Private creator -> (tag with its block as xx, such as 0019xx0c) -> (VR, VM, name, retired)."""
    tables: Mapping[str, Mapping[str, Any]] = _table("_private_dict.py").private_dictionaries
    return tables
