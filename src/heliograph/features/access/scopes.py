"""Where people, programs and devices belong, as the database says now, in the statement that identifies them."""

import threading
from collections.abc import Mapping
from typing import Any, Final

from heliograph.engine.db import Tx
from heliograph.features.access.model import Scope
from heliograph.features.access.rules import DEFAULT, Policy, read_rules

# Further columns of the select that finds the person; `u` is app_user.
USER_COLUMNS: Final = (
    "u.everywhere, u.site_ids, u.department_ids, u.clearances, array(select up.patient_fk from user_patient up where up.user_id = u.id), "
    "array(select pm.project from project_member pm where pm.user_id = u.id), "
    "array(select bg.patient_fk from break_glass bg where bg.user_id = u.id and bg.expires_at > now() and bg.ended_at is null), "
    "(select min(s.id) from site s where s.tenant_id = u.tenant_id), "
    "(select max(ap.version) from access_policy ap where ap.tenant_id = u.tenant_id)"
)
# The same of a device (`d`) or a token (`t`), which name the sites they are held to, none for every site.
MACHINE_COLUMNS: Final = (
    "{row}.site_ids, (select min(s.id) from site s where s.tenant_id = {row}.tenant_id), "
    "(select max(ap.version) from access_policy ap where ap.tenant_id = {row}.tenant_id)"
)
_policies: dict[int, Policy] = {}
_lock = threading.Lock()


def user_scope(tx: Tx, tenant_id: int, columns: tuple[Any, ...], *, purpose: str = "TREAT") -> Scope:
    """From what USER_COLUMNS gave."""
    everywhere, sites, departments, clearances, patients, projects, emergencies, first_site, version = columns
    return Scope(
        everywhere, _sorted(sites), _sorted(departments), _sorted(clearances), _sorted(patients), _sorted(projects), _sorted(emergencies),
        purpose, sites[0] if sites else first_site, departments[0] if departments else 0, policy_of(tx, tenant_id, version),
    )  # fmt: skip


def machine_scope(
    tx: Tx, tenant_id: int, columns: tuple[Any, ...], *, site: int | None = None, department: int | None = None
) -> Scope:
    """From what MACHINE_COLUMNS gave; `site` and `department` are where it stands."""
    sites, first_site, version = columns
    return Scope(
        everywhere=not sites, sites=_sorted(sites), home_site=site or (sites[0] if sites else first_site), home_department=department or 0,
        policy=policy_of(tx, tenant_id, version),
    )  # fmt: skip


def policy_of(tx: Tx, tenant_id: int, version: int | None) -> Policy:
    """A version never changes, so each is read once and the newest is kept. Without one, what the program brings."""
    if version is None:
        return DEFAULT
    kept = _policies.get(tenant_id)
    if kept is not None and kept.version == version:
        return kept
    row = tx.execute(
        "select rules from access_policy where tenant_id = %s and version = %s", (tenant_id, version)
    ).fetchone()
    assert row is not None
    policy = Policy(read_rules(row[0]), version=version, tenant_id=tenant_id)
    with _lock:
        _policies[tenant_id] = policy
    return policy


def first_site(tx: Tx, tenant_id: int) -> int:
    """Where things belong of which nothing is known."""
    row = tx.execute("select min(id) from site where tenant_id = %s", (tenant_id,)).fetchone()
    return int(row[0]) if row and row[0] is not None else 1


def values_of_study(tx: Tx, tenant_id: int, study_id: int, columns: Mapping[str, str]) -> dict[str, Any] | None:
    """What the names of a vocabulary stand for in one study; `columns` from name to SQL over `st`. None when there is none."""
    row = tx.execute(
        f"select {', '.join(columns.values())} from study st where st.tenant_id = %s and st.id = %s",
        (tenant_id, study_id),
    ).fetchone()
    if row is None:
        return None
    return {name: tuple(value) if isinstance(value, list) else value for name, value in zip(columns, row, strict=True)}


def _sorted(values: list[Any]) -> tuple[Any, ...]:
    return tuple(sorted(set(values)))
