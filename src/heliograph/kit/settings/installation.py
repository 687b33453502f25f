"""The settings of one installation, put together from their groups."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from heliograph.kit.errors import Invalid
from heliograph.kit.settings import access, archive, dicom, directory, oidc, places, tls, watching, web


# Fields stand in the order of the groups from the last to the first: that is how dataclasses collect them.
@dataclass(frozen=True)
class Settings(
    watching.Watching, web.Web, directory.Directory, oidc.Oidc, access.Access, archive.Archive, tls.Tls, dicom.Dicom, places.Places
):  # fmt: skip
    """Every knob; sizes in bytes, times in seconds, addresses as host:port."""

    sources: Mapping[str, str] = field(default_factory=dict, metadata={"doc": "", "toml": "", "flag": False})


FIELDS = tuple(f for f in dataclasses.fields(Settings) if f.metadata["doc"])


def check(settings: Settings) -> None:
    """Raises Invalid that names the first setting that cannot be."""
    places.check(settings)
    for f in FIELDS:
        value, least = getattr(settings, f.name), f.metadata["least"]
        if isinstance(value, (int, float)) and not (math.isfinite(value) and value >= least):
            called = f.metadata["toml"] or f.name
            raise Invalid(f"{called} must be a number of {least} or more", code="bad_setting")
    dicom.check(settings)
    tls.check(settings)
    web.check(settings)
    watching.check(settings)
    access.check(settings)
    oidc.check(settings)
    directory.check(settings)
