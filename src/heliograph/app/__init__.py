"""The composition root: settings -> engine -> features -> gateways.

build         the inner rings of one process
installation  the same for a command on the console: borrows the running database or starts it for the command
serve         the supervisor: PostgreSQL, DIMSE, HTTP and worker processes
roles         what each child process does
web           the HTTP application put together from its gateways
work          every kind of job and periodic duty
"""

from heliograph.app.build import build, installation, prepare

__all__ = ["build", "installation", "prepare"]
