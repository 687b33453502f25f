"""Where everything is, and how the site is called."""

import zoneinfo
from dataclasses import dataclass
from pathlib import Path

from heliograph.kit.errors import Invalid
from heliograph.kit.settings.setting import setting, split_address

_DICOM_TLS_PORT = 2762  # dicom-tls (IANA)


@dataclass(frozen=True)
class Places:
    """Where everything is, and how the site is called."""

    data: Path = setting(  # noqa: RUF009 it makes a field
        Path("heliograph-data"), "Folder of everything that must not be lost.", toml="data", flag=True
    )
    http: str = setting("127.0.0.1:8080", "Where the browser and DICOMweb door listens.", toml="http", flag=True)
    dicom: str = setting("0.0.0.0:11112", "Where the DICOM door listens.", toml="dicom", flag=True)
    https: str = setting(
        "",
        "Where the same door listens with TLS, for example 0.0.0.0:8443; closed when empty.",
        toml="https",
        flag=True,
    )
    dicom_tls: str = setting(
        "",
        "Where the DICOM door listens with TLS, for example 0.0.0.0:2762; closed when empty, port 2762 when only a host is given.",
        toml="dicom_tls",
        flag=True,
    )
    aet: str = setting("HELIOGRAPH", "Our application entity title, 1 to 16 characters.", toml="aet", flag=True)
    database: str = setting(
        "embedded", "`embedded`, or the URL of a PostgreSQL 15 or newer.", toml="database", flag=True
    )
    blobs: str = setting("file", "`file`, or `s3://bucket/prefix`.", toml="blobs", flag=True)
    config: Path | None = setting(None, "Settings file; DIR/heliograph.toml when not given.", flag=True)  # noqa: RUF009

    site_name: str = setting("Heliograph", "Name of the hospital or practice, shown on every page.", toml="site.name")
    site_timezone: str = setting(
        "",
        "Time zone of the site (`Europe/Vienna`); empty takes that of each browser, and the machine's on the console.",
        toml="site.timezone",
    )
    default_issuer: str = setting(
        "", "Issuer of patient identifiers of sources that name none.", toml="site.default_issuer"
    )

    @property
    def http_address(self) -> tuple[str, int]:
        return split_address(self.http, "http")

    @property
    def https_address(self) -> tuple[str, int] | None:
        return split_address(self.https, "https") if self.https else None

    @property
    def dicom_tls_address(self) -> tuple[str, int] | None:
        if not self.dicom_tls:
            return None
        _, colon, port = self.dicom_tls.rpartition(":")
        has_port = bool(colon) and (port.isdigit() or not port) and not self.dicom_tls.endswith("]")
        return split_address(self.dicom_tls if has_port else f"{self.dicom_tls}:{_DICOM_TLS_PORT}", "dicom_tls")

    @property
    def dicom_address(self) -> tuple[str, int]:
        return split_address(self.dicom, "dicom")


def check(settings: Places) -> None:
    settings.http_address, settings.dicom_address  # noqa: B018 reading them checks them
    settings.https_address, settings.dicom_tls_address  # noqa: B018
    if not 1 <= len(settings.aet.strip()) <= 16 or not settings.aet.isascii() or "\\" in settings.aet:
        raise Invalid("aet must be 1 to 16 ASCII characters without a backslash (PS3.5 6.2)", code="bad_setting")
    if settings.database != "embedded" and not settings.database.startswith(("postgresql://", "postgres://")):
        raise Invalid("database must be `embedded` or postgresql://USER@HOST/NAME", code="bad_setting")
    if settings.blobs != "file" and not settings.blobs.startswith("s3://"):
        raise Invalid("blobs must be `file` or s3://bucket/prefix", code="bad_setting")
    if settings.site_timezone and not _is_zone(settings.site_timezone):
        raise Invalid("site.timezone must be the name of a time zone, for example Europe/Vienna", code="bad_setting")


def _is_zone(name: str) -> bool:
    """Whether the machine knows the zone; one that knows no zones at all believes what it is told."""
    for one in (name, "Europe/Vienna"):
        try:
            zoneinfo.ZoneInfo(one)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            continue
        return one == name
    return True
