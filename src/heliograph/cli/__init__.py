"""The command `heliograph`: one module per command, each works while the server runs and when it is stopped."""

import argparse
import sys
from collections.abc import Sequence

from heliograph import __version__
from heliograph.cli import (
    access,
    audit,
    certificates,
    hanging,
    importing,
    looking,
    nodes,
    secrets,
    serving,
    tenants,
    upkeep,
)
from heliograph.engine.db import DatabaseError
from heliograph.engine.fence import leave_no_core
from heliograph.kit.errors import HeliographError

_EPILOG = """the first hour:
  heliograph serve --demo                 a server with a sample hospital, on ./heliograph-data
  heliograph device add --aet CT1 --host 10.0.0.5 --port 104 --allow echo,store
  heliograph import /media/disk           everything on a disk
  heliograph where "Doe^Jane"             what became of a study
  heliograph doctor                       what is wrong, and how to mend it
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line; `docs/reference/cli.md` is generated from it."""
    top = argparse.ArgumentParser(
        prog="heliograph",
        description="The open platform for medical imaging.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"heliograph {__version__}")
    commands = top.add_subparsers(dest="command", metavar="command", required=True)
    for module in (serving, importing, access, certificates, nodes, tenants, looking, upkeep, hanging, secrets, audit):
        module.add_to(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 it could not be done (the reason is printed), 2 wrong usage."""
    arguments = parser().parse_args(argv)
    leave_no_core()
    try:
        return int(arguments.run(arguments) or 0)
    except HeliographError as error:
        print(f"heliograph: {error.message}", file=sys.stderr)
        return 1
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
        print(f"heliograph: {what}", file=sys.stderr)
        return 1
    except DatabaseError as error:  # its text may repeat values
        print(f"heliograph: the database refused a statement ({type(error).__name__})", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


__all__ = ["main", "parser"]
