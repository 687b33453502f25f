"""Where foreign programs are. A missing one is a loud skip with its install line; the virtual environment's namesakes are never meant."""

import os
import shutil

PACKAGES = {
    "storescu": "dcmtk", "dcmsend": "dcmtk", "findscu": "dcmtk", "movescu": "dcmtk", "getscu": "dcmtk", "storescp": "dcmtk", "echoscu": "dcmtk",
    "dcmdump": "dcmtk", "dcmconv": "dcmtk", "dcmdjpeg": "dcmtk", "dcmcjpeg": "dcmtk", "dcmcjpls": "dcmtk", "dcmcrle": "dcmtk", "dcmmkdir": "dcmtk",
    "dcm2img": "dcmtk", "dcmj2pnm": "dcmtk", "dciodvfy": "dicom3tools", "Orthanc": "orthanc", "wrk": "wrk", "chromium-headless-shell": "chromium-headless-shell",
    "mkfs.ext4": "e2fsprogs", "mount": "mount", "umount": "mount", "losetup": "mount",
    "rsyslogd": "rsyslog rsyslog-gnutls", "slapd": "slapd", "slapadd": "slapd",
}  # fmt: skip
FOLDERS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Missing(RuntimeError):
    """A foreign program is not installed; tests/conftest.py turns it into a counted skip."""


def program(name: str) -> str:
    """The system's program of this name. pynetdicom installs a `storescu` of its own, so PATH is not asked."""
    found = shutil.which(name, path=os.environ.get("HELIOGRAPH_TEST_PATH", FOLDERS))
    if found is None:
        raise Missing(f"{name} is not installed: apt-get install {PACKAGES.get(name, name)}")
    return found
