"""Long work that survives a restart: Procrastinate carries the queue, the table `job` carries progress for people.

A kind of work is registered with its function. `enqueue` writes both rows in the caller's transaction; the worker process calls
the function with a `JobRun`, which stores progress, offers the saved cursor to resume from, and says when somebody cancelled.
`defer` is for small work that nobody watches (settling a series). The loop itself is `worker`, imported by the worker process alone.
"""

from heliograph.engine.jobs.queue import Cancelled, Interrupted, JobRun, Work, cancel, defer, enqueue, listing, retry

__all__ = ["Cancelled", "Interrupted", "JobRun", "Work", "cancel", "defer", "enqueue", "listing", "retry"]
