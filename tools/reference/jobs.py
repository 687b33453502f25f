"""docs/reference/jobs.md from app.work."""

from heliograph.app.work import duties, works
from tools.reference import _offline
from tools.reference._markdown import code, page, table

MEANING = {
    "copy.htj2k": "Makes lossless copies (HTJ2K) of the large images of a series, of which a smaller picture can be read first. Each is decoded "
    "again and compared before it is kept; one that would differ is left out. One runs at a time.",
    "import": "Takes in files and ZIP files. Files that it had done before an interruption are not read again.",
    "load_demo": "Generates the sample hospital below DIR/demo and imports it. Queued once by `serve --demo`.",
    "verify": "Reads every stored object and compares it with its digest. Goes on from its cursor. Each fault raises an alarm.",
    "verify_audit": "Reads the whole audit log and its witnesses: chain, tree, signatures. What it finds raises an alarm.",
    "retrieve": "Fetches a study from a node by C-MOVE to ourselves, or by C-GET when the node cannot move to us.",
    "send": "Sends a study or a series to a node. Goes on behind the last object that the node answered; waits and tries again when the "
    "node does not answer or is full. The page Sending shows it.",
    "make_series_document": "Writes the series document and the thumbnail of a settled series.",
    "study_settled": "Asks the forwarding rules what becomes of a settled study.",
}
DUTIES = {
    "seal": "Numbers, chains and signs the rows of the audit log.",
    "watch": "Adds up who looked at what, who took what and who was refused, day by day, from the sealed rows of the audit log; forgets days older than four months.",
    "journal": "Brings records of reads that were written while the database could not write into the audit log.",
    "syslog": "Sends the sealed rows of the audit log to the repository of `audit.syslog`.",
    "certificates": "Brings the files of the TLS doors, and the list of revoked certificates, to what the database says.",
    "own certificate": "Renews our own certificate when a third of its life is left.",
    "directory": "Looks everybody of the directory (`ldap.url`) who is signed in up there again; who is gone or disabled is signed out.",
    "relay": "Numbers committed facts for the change feed.",
    "trim": "Takes facts older than `archive.change_days` off the change feed.",
    "lost sends": "Puts a send that is under way and stands in no queue back into it.",
    "settle": "Settles series and studies whose quiet time is over.",
    "alarms": "Looks for what a person must know of, and tells it by webhook or e-mail.",
    "copies": "Gives the room of copies that are no longer used back to the disk.",
    "damage": "Lets no door give out objects that are known to be damaged.",
    "verify read": "Compares the objects of studies that were read with what was received, once a day at most, at `archive.verify_bytes_per_s`.",
    "verify": "Queues a verification when the last one is `archive.verify_period_days` old.",
    "verify audit": "Queues a verification of the audit log when the last one is `archive.verify_period_days` old.",
    "sends": "Wakes sends whose next attempt is due.",
}

_INTRO = """The worker process runs them. A job is written in the transaction that asks for it, so it is neither lost nor started for something
that was rolled back. After a restart it runs again and goes on where it was. `jobs.slots` says how many run at the same time."""

_WATCHED = """Watched jobs stand on the page Jobs with their progress; a person can cancel them and run them again (`GET /api/jobs`)."""

_QUIET = """Small work runs up to eight times with growing pauses. What fails for good raises an alarm."""


def render() -> str:
    with _offline.services() as services:
        kinds, periodic = works(services), duties(services)
    watched = [(code(one.kind), MEANING[one.kind]) for one in kinds if one.tracked]
    small = [(code(one.kind), MEANING[one.kind]) for one in kinds if not one.tracked]
    rows = [(code(one.name), f"{one.every_s:g} s", DUTIES[one.name]) for one in periodic]
    return page(
        "Jobs", _INTRO, "## Watched jobs", _WATCHED, table(("Kind", "What it does"), watched), "## Small work", _QUIET,
        table(("Kind", "What it does"), small), "## Duties", table(("Name", "Every", "What it does"), rows),
    )  # fmt: skip
