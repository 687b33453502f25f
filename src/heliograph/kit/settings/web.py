"""What browsers and programs may ask, and how they reach us."""

import ipaddress
from dataclasses import dataclass

from heliograph.kit.errors import Invalid
from heliograph.kit.settings.setting import setting


@dataclass(frozen=True)
class Web:
    """What browsers and programs may ask, and how they reach us."""

    requests_per_minute: int = setting(
        6000,
        "Requests to the API of one person, program or address in a minute; 0 is without a limit. Images are not counted.",
        toml="web.requests_per_minute",
    )
    web_hourly_instances: int = setting(
        0,
        "Objects, and frames or pictures of them, that one program (token) may take by DICOMweb within an hour; 0 is without a limit. "
        "A token may have its own.",
        toml="web.hourly_instances",
    )
    web_hourly_bytes: int = setting(
        0,
        "Bytes that one program (token) may take by DICOMweb within an hour; 0 is without a limit. A token may have its own.",
        toml="web.hourly_bytes",
    )
    max_upload_bytes: int = setting(
        8 << 30, "Largest upload through the browser or STOW-RS.", toml="web.max_upload_bytes", least=1
    )
    trusted_proxy: str = setting(
        "", "Address of a reverse proxy whose X-Forwarded headers count.", toml="web.trusted_proxy"
    )
    public_url: str = setting("", "Address under which browsers reach us, when not http.", toml="web.public_url")


def check(settings: Web) -> None:
    try:
        if settings.trusted_proxy:
            ipaddress.ip_address(settings.trusted_proxy)
    except ValueError:
        raise Invalid("web.trusted_proxy must be an IP address", code="bad_setting") from None
    if settings.public_url and not settings.public_url.startswith(("http://", "https://")):
        raise Invalid("web.public_url must be an http:// or https:// address", code="bad_setting")
