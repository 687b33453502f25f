"""The names that access rules may use: who asks (known beforehand), and which study (columns).

A row of `study_tie` relates a study to a person or a project; ties that have run out do not count.
"""

from typing import Final, Literal, get_args

from heliograph.engine.rules import Field, Kind, Vocabulary

Restriction = Literal["vip", "staff", "confidential"]
RESTRICTIONS: Final[tuple[Restriction, ...]] = get_args(Restriction)


def _tied(kind: str) -> tuple[str, str]:
    rows = (
        f"from study_tie t where t.study_fk = {{row}}.id and t.kind = '{kind}' and (t.until is null or t.until > now())"
    )
    return f"array(select t.subject {rows})", f"exists (select 1 {rows} and t.subject {{match}})"


def _tie(kind: str, docs: str) -> Field:
    column, member = _tied(kind)
    return Field(Kind.TEXTS, column=column, member=member, docs=docs)


# The few restricted studies have an index of their own; naming the row's column would make every search read the table.
_RESTRICTED: Final = "from study r where r.id = {row}.id and r.restriction <> ''"

VOCABULARY: Final = Vocabulary({
    "principal.kind": Field(Kind.TEXT, docs="user, token, device, caller or system"),
    "principal.id": Field(Kind.TEXT, docs="the person's, program's or device's id"),
    "principal.roles": Field(Kind.TEXTS, docs="of a person"),
    "principal.everywhere": Field(Kind.BOOL, docs="works at every site of the organisation"),
    "principal.sites": Field(Kind.INTS, docs="ids of the sites where it works"),
    "principal.departments": Field(Kind.INTS, docs="ids of the departments it is limited to; empty: not limited"),
    "principal.limited_to_departments": Field(Kind.BOOL, docs="true when departments are named"),
    "principal.clearances": Field(Kind.TEXTS, docs="kinds of restricted patients it may see"),
    "principal.uncleared": Field(Kind.TEXTS, docs="the other kinds"),
    "principal.patients": Field(Kind.INTS, docs="ids of patients that are this person"),
    "principal.projects": Field(Kind.TEXTS, docs="projects it belongs to"),
    "principal.emergencies": Field(Kind.INTS, docs="ids of patients for whom it broke the glass, while that lasts"),
    "purpose": Field(Kind.TEXT, docs="purpose of use: TREAT, PAYMENT, RESEARCH, QA, PATRQT, BTG"),
    "study.site": Field(Kind.INT, column="{row}.site_id", docs="id of the site that received it"),
    "study.department": Field(Kind.INT, column="{row}.department_id", docs="id of the department, 0 when unknown"),
    "study.patient": Field(Kind.INT, column="{row}.patient_fk", docs="id of the patient"),
    "study.restrictions": Field(
        Kind.TEXTS, column=f"array(select r.restriction {_RESTRICTED})", member=f"exists (select 1 {_RESTRICTED} and r.restriction {{match}})",
        docs="the kind of the patient's restriction (vip, staff, confidential); empty for none",
    ),
    "study.modalities": Field(
        Kind.TEXTS, column="{row}.modalities", member="exists (select 1 from unnest({row}.modalities) as m where m {match})", docs="its modalities",
    ),
    "study.unverified": Field(Kind.BOOL, column="{row}.unverified", docs="came from a device that nobody registered"),
    "study.referrers": _tie("referrer", "ids of the people who referred the patient for it"),
    "study.readers": _tie("reader", "ids of the people it is assigned to"),
    "study.guests": _tie("guest", "ids of the people it is shared with"),
    "study.projects": _tie("project", "projects it belongs to"),
})  # fmt: skip
