"""What this build is made of: its bill of materials, made by `make sbom` and shipped beside the program."""

from pathlib import Path

from heliograph.kit.errors import Absent

PLACE = Path(__file__).with_name("bill.cdx.json")
MEDIA_TYPE = "application/vnd.cyclonedx+json"


def bill_of_materials() -> str:
    """CycloneDX 1.6 as JSON (ECMA-424)."""
    try:
        return PLACE.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Absent("this build has no bill of materials; `make sbom` makes it", code="no_bill") from None
