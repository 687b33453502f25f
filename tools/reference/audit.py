"""docs/reference/audit-messages.md: what our audit rows are as DICOM audit messages (PS3.15 A.5), from standards.ihe.audit_kinds."""

from heliograph.standards.ihe.audit_kinds import EVENTS, FAMILIES, KINDS, Event, kind_of
from tools.reference._markdown import code, page, table

INTRO = """Every row of the [audit log](../howto/audit.md) goes out as a DICOM audit message (PS3.15 A.5) by syslog (A.6, ITI-20), and as an
`AuditEvent` of FHIR R4 by `/fhir/AuditEvent` (ITI-81). Which rows exist is not configurable; which of them a repository keeps is decided there.

The rendering was compared with the tables of PS3.15 A.5.1 to A.5.3.12, those of events that nothing here is yet (A.5.3.9, A.5.3.13 to A.5.3.15)
have their codes only; `tests/unit/standards/ihe/test_audit_message.py` holds for
each event what it must have, with the clause, and the shape of every element of the schema."""

GENERAL = """- **Who took part** (A.5.2.1, A.5.2.2). A person is `name@HOST`, of a further organisation `name@ORGANISATION.HOST`, where HOST is the machine's name. A device and
  a caller are their AE title, with `AETITLES=` as the alternative. A program is the identifier of its token; the archive itself is its AE title.
- **One requestor** (A.5.2). Never more than one participant has `UserIsRequestor` true.
- **Names** (A.5.1.1). An object has a name or a query. A study is named by its UID and a patient by the identifier (`4711^^^ISSUER`): the
  patient's name is optional in the tables of what we send, and stays in the archive.
- **Objects of a study** (A.5.2). `SOPClass` says how many instances of each class the study holds when the message is made. Instance UIDs are
  optional and not given; the receipt in the log has them.
- **Outcome** (A.5.2). Success 0, refused 4, failed 8. What partly succeeded is two rows.
- **Time** (A.5.2.5). With its zone; of a transfer when it was over (A.5.3.7).
- **Our own facts** are in `ParticipantObjectDetail` of the first object, as `heliograph.NAME`; `heliograph.row` is the number in the sealed log."""

FOUND = {
    "A.5.3.1": "The archive is the application, whoever started it the *Application Launcher*. No objects.",
    "A.5.3.2": "Person and program, and the log as a URI.",
    "A.5.3.3": "Sender, receiver and the third party that asked; study and patient.",
    "A.5.3.4": "Person and archive both as source; the medium is digital, so its type (`URI`) and its machine are said. Its path is not: paths name patients.",
    "A.5.3.5": "Person and archive both as destination; the medium as above. What a device or program brings is a transfer instead.",
    "A.5.3.6": "Who, and the archive; study and patient.",
    "A.5.3.7": "`C` when we receive and keep; `R` when we send, since a sender does not know what the receiver held. Who takes objects for itself (C-GET) stands once.",
    "A.5.3.8": "Who, and the archive; study and patient.",
    "A.5.3.9": "Not used: the archive does not join and leave a network while it runs.",
    "A.5.3.10": "A DICOM query is its data set (implicit little endian) **with empty values**, and the syntax of that; any other query is the list of its keys with the "
    "identifier type *Search Criteria*. Values are left out on purpose: they name patients, and the log outlives all else. "
    "Whoever needs them in the repository cannot have them; this is our one deviation.",
    "A.5.3.11": "Of what succeeded the person is a reporter and the requestor; who was stopped has performed it, and is no requestor. Each subject has its *Alert "
    "Description*. When a study is meant, study and patient follow as further objects (an extension).",
    "A.5.3.12": "With the address of the person, and the archive as the system that authenticated. No objects.",
    "A.5.3.13": "Not used: there are no orders yet.",
    "A.5.3.14": "Not used: a patient's restriction is a security alert.",
    "A.5.3.15": "Not used: there are no procedure records yet.",
}


def render() -> str:
    rows = [
        [
            event.clause,
            f"{event.code.meaning} (`{event.code.value}`)",
            _actions(event),
            _kinds(event),
            FOUND[event.clause],
        ]
        for event in EVENTS
    ]
    return page(
        "Audit messages",
        INTRO,
        "## In every message\n\n" + GENERAL,
        "## Events\n\n" + table(["Clause", "Event", "Actions", "Our rows", "How"], rows),
    )


def _actions(event: Event) -> str:
    used = {
        kind.action
        for kind in (*KINDS.values(), *FAMILIES.values(), kind_of("instances.received", "user"))
        if kind.event is event
    }
    return " ".join(sorted(used)) or "-"


def _kinds(event: Event) -> str:
    named = [code(name) for name, kind in KINDS.items() if kind.event is event]
    families = [code(f"{name}.*") for name, kind in FAMILIES.items() if kind.event is event]
    if kind_of("instances.received", "user").event is event:
        named.append(f"{code('instances.received')} of a person")
    return ", ".join([*named, *families]) or "-"
