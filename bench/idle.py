"""What the service holds in memory when nobody uses it."""

import time

from bench.targets import HeliographTarget
from tests.peers import processes

REST_S = 60.0
LOAD_S = 600.0


def wait_for_jobs(target: HeliographTarget) -> None:
    """Until the sample hospital is in and nothing is queued or running any more."""
    deadline, quiet = time.monotonic() + LOAD_S, 0
    with target.server.client() as client:
        while quiet < 5:
            if time.monotonic() > deadline:
                raise AssertionError(f"the sample hospital was not loaded within {LOAD_S:.0f} s")
            jobs = client.get("/api/jobs", params={"limit": 100}).raise_for_status().json()["items"]
            studies = client.post("/api/studies/search", json={"limit": 1}).raise_for_status().json()
            busy = any(job["state"] in {"queued", "running"} for job in jobs)
            quiet = 0 if busy or not studies["count"] else quiet + 1
            time.sleep(1)


def idle_mb(target: HeliographTarget) -> float:
    """Summed PSS of all processes with PostgreSQL, 60 s after a start with the sample hospital in place."""
    target.start(fresh=True)
    try:
        wait_for_jobs(target)
        target.stop()
        target.start()
        time.sleep(REST_S)
        return processes.pss_bytes(target.pids()) / 1e6
    finally:
        target.stop()
