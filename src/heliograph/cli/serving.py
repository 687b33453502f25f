"""`serve` and `version`."""

import argparse

from heliograph import __version__
from heliograph.cli._options import Commands, command, settings_of
from heliograph.kit.bill import bill_of_materials


def add_to(commands: Commands) -> None:
    serve = command(
        commands, "serve", "start every service and stay in the foreground",
        "Starts the database, the DICOM door, the browser door and the worker. SIGTERM or Ctrl+C end all of them within ten seconds.",
        "heliograph serve --data /srv/heliograph --http 127.0.0.1:8080 --dicom 0.0.0.0:11112",
    )  # fmt: skip
    serve.add_argument("--demo", action="store_true", help="load the sample hospital on the first start")
    serve.set_defaults(run=_serve)
    version = command(commands, "version", "print the version of the program and of its database schema")
    version.add_argument(
        "--sbom", action="store_true", help="print what this build is made of instead, as CycloneDX 1.6 in JSON"
    )
    version.set_defaults(run=_version)


def _serve(arguments: argparse.Namespace) -> None:
    from heliograph.app.serve import serve

    serve(settings_of(arguments, serving=True), demo=arguments.demo)


def _version(arguments: argparse.Namespace) -> None:
    if arguments.sbom:
        print(bill_of_materials(), end="")
        return
    from heliograph.engine.db import schema

    print(f"heliograph {__version__} (schema {schema.HEAD})")
