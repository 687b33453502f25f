"""Debian's rsyslog as an audit record repository: TLS by GnuTLS, our certificate asked for, every message kept as one line of JSON."""

import json
import time
from pathlib import Path
from typing import Any

from tests.peers.certificates import Certificates
from tests.peers.daemons import Daemon
from tests.peers.ports import free_port
from tests.peers.programs import Missing, program

_CONFIG = """
global(workDirectory="{folder}" maxMessageSize="1m" defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{folder}/ca.pem"
       defaultNetstreamDriverCertFile="{folder}/server.pem" defaultNetstreamDriverKeyFile="{folder}/server.key")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/name" permittedPeer=["archive.test"])
template(name="line" type="list" option.jsonf="on") {{
  property(outname="facility" name="syslogfacility" format="jsonf")
  property(outname="severity" name="syslogseverity" format="jsonf")
  property(outname="version" name="protocol-version" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="msgid" name="msgid" format="jsonf")
  property(outname="at" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="msg" name="msg" format="jsonf")
}}
input(type="imtcp" address="127.0.0.1" port="{port}")
action(type="omfile" file="{folder}/taken.jsonl" template="line")
"""


class Rsyslog(Daemon):
    """rsyslogd in a folder; `start` and `stop` as often as one likes, the port stays."""

    def __init__(self, folder: Path) -> None:
        daemon = program("rsyslogd")
        if not list(Path("/usr/lib").glob("*/rsyslog/lmnsd_gtls.so")):
            raise Missing("rsyslog-gnutls is not installed: apt-get install rsyslog-gnutls")
        folder.mkdir(parents=True)
        certificates = Certificates(folder)
        certificates.issue("server", "localhost")
        certificates.issue("archive", "archive.test")
        certificates.issue("stranger", "stranger.test")
        self.port = free_port()
        config = folder / "rsyslog.conf"
        config.write_text(_CONFIG.format(folder=folder, port=self.port))
        super().__init__(folder, self.port, [daemon, "-n", "-f", str(config), "-i", str(folder / "pid")])

    def taken(self) -> list[dict[str, Any]]:
        """The messages so far, whole lines only."""
        path = self.folder / "taken.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")]

    def wait_for(self, count: int, wait_s: float = 60.0) -> list[dict[str, Any]]:
        """At least so many messages."""
        deadline = time.monotonic() + wait_s
        while len(taken := self.taken()) < count:
            assert time.monotonic() < deadline, f"{len(taken)} of {count} messages"
            time.sleep(0.05)
        return taken
