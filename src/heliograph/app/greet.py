"""What people read when the server is up: the address, and on the first start a one-time sign-in link."""

import socket
from urllib.parse import urlsplit

from heliograph import __version__
from heliograph.engine.db import Database, Tx
from heliograph.engine.jobs import enqueue
from heliograph.features import access
from heliograph.features.access import system_actor
from heliograph.kit.settings import Settings

FIRST_USER = "admin"
DEMO_JOB = "load_demo"


def base_url(settings: Settings) -> str:
    """The address of the browser door."""
    host, port = settings.https_address or settings.http_address
    shown = f"[{host}]" if ":" in host else host
    if host in {"0.0.0.0", "::"}:  # noqa: S104 it is compared, not bound
        shown = socket.gethostname() if settings.https_address else "127.0.0.1"
    return settings.public_url.rstrip("/") or f"http{'s' if settings.https_address else ''}://{shown}:{port}"


def sign_in_url(settings: Settings, code: str, host: str = "") -> str:
    """The code stands in the fragment, which browsers do not send: no server or proxy log ever holds it. `host`: the host name of the
    person's organisation, when it has one."""
    url = urlsplit(base_url(settings))
    where = f"{host}:{url.port}" if host and url.port else host or url.netloc
    return f"{url.scheme}://{where}{url.path}/signin#link={code}"


def greeting(settings: Settings, url: str, *, demo: bool) -> str:
    """Makes the first user, queues the sample hospital when asked for; the words for the moment when all doors are open.

    Made before the doors open: a process that starts with them would take their first requests' time.
    """
    database = Database(url, name="greet", max_connections=1)
    database.open()
    try:
        with database.transaction() as tx:
            code = _sign_in_code(tx)
            if demo:
                _queue_demo(tx)
    finally:
        database.close()
    _, dicom_port = settings.dicom_address
    lines = [
        f"Heliograph {__version__} is ready.",
        f"  Browser  {base_url(settings)}",
        f"  DICOM    {settings.aet} on port {dicom_port}",
    ]
    if settings.dicom_tls_address is not None:
        lines[-1] += f", with TLS on port {settings.dicom_tls_address[1]}"
    if settings.https_address is not None and not settings.tls_certificate:
        lines.insert(2, "           (browsers must trust its authority: heliograph ca export)")
    if code is not None:
        lines.append(f"  Sign in  {sign_in_url(settings, code)}   (once, within an hour)")
    else:
        lines.append("  Another sign-in link: heliograph user link --name admin")
    return "\n".join(lines)


def _sign_in_code(tx: Tx) -> str | None:
    """For the first user, until somebody has signed in."""
    actor = system_actor("setup")
    if tx.execute("select 1 from app_user limit 1").fetchone() is None:
        access.add_user(tx, actor, FIRST_USER, ["admin"], display_name="Administrator")
        return access.issue_link(tx, actor, FIRST_USER)
    waiting = tx.execute(
        "select 1 from app_user where name = %s and disabled_at is null and not exists (select 1 from session)",
        (FIRST_USER,),
    ).fetchone()
    return access.issue_link(tx, actor, FIRST_USER) if waiting is not None else None


def _queue_demo(tx: Tx) -> None:
    actor = system_actor("setup")
    if tx.execute("select 1 from job where kind = %s", (DEMO_JOB,)).fetchone() is None:
        enqueue(tx, actor.tenant_id, DEMO_JOB, "Sample hospital", {}, actor.label, unit="files")
