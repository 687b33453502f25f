"""What people read when the server is up: the address, and on the first start a one-time sign-in link."""

import sys

from heliograph import __version__
from heliograph.engine.jobs import enqueue
from heliograph.features import access
from heliograph.features.access import system_actor
from heliograph.services import Services

FIRST_USER = "admin"
DEMO_JOB = "load_demo"


def base_url(services: Services) -> str:
    """The address of the browser door."""
    settings = services.settings
    host, port = settings.http_address
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 it is compared, not bound
    return settings.public_url.rstrip("/") or f"http://{shown}:{port}"


def sign_in_url(services: Services, code: str) -> str:
    """The code stands in the fragment, which browsers do not send: no server or proxy log ever holds it."""
    return f"{base_url(services)}/signin#link={code}"


def greet(services: Services, *, demo: bool) -> None:
    """Makes the first user, queues the sample hospital when asked for, prints."""
    actor = system_actor("setup")
    with services.database.transaction() as tx:
        count = tx.execute("select count(*) from app_user").fetchone()
        first = count == (0,)
        if first:
            access.add_user(tx, actor, FIRST_USER, ["admin"], display_name="Administrator")
        code = access.issue_link(tx, actor, FIRST_USER) if first or _never_signed_in(services) else None
        if demo and tx.execute("select 1 from job where kind = %s", (DEMO_JOB,)).fetchone() is None:
            enqueue(tx, actor.tenant_id, DEMO_JOB, "Sample hospital", {}, actor.label, unit="files")
    aet = services.settings.aet
    _, dicom_port = services.settings.dicom_address
    lines = [
        f"Heliograph {__version__} is ready.",
        f"  Browser  {base_url(services)}",
        f"  DICOM    {aet} on port {dicom_port}",
    ]
    if code is not None:
        lines.append(f"  Sign in  {sign_in_url(services, code)}   (once, within an hour)")
    else:
        lines.append("  Another sign-in link: heliograph user link --name admin")
    print("\n".join(lines), flush=True)
    sys.stdout.flush()


def _never_signed_in(services: Services) -> bool:
    with services.database.transaction() as tx:
        return tx.execute("select 1 from session limit 1").fetchone() is None
