"""What is kept, when it settles, and how it is verified."""

from dataclasses import dataclass

from heliograph.kit.settings.setting import setting


@dataclass(frozen=True)
class Archive:
    """What is kept, when it settles, and how it is verified."""

    series_quiet_s: float = setting(
        10.0, "A series settles after this long without a new object.", toml="archive.series_quiet_s"
    )
    study_quiet_s: float = setting(
        30.0, "A study settles after this long without a new object.", toml="archive.study_quiet_s"
    )
    reserve_bytes: int = setting(
        1 << 30, "Free disk space below which nothing more is accepted.", toml="archive.reserve_bytes"
    )
    max_object_bytes: int = setting(
        16 << 30, "Largest object that is accepted.", toml="archive.max_object_bytes", least=1
    )
    verify_period_days: float = setting(
        30.0,
        "Every stored object is read and compared once in this many days; 0 turns it off.",
        toml="archive.verify_period_days",
    )
    verify_bytes_per_s: int = setting(
        20 << 20, "Reading speed of that check.", toml="archive.verify_bytes_per_s", least=1
    )

    copies_least_bytes: int = setting(
        1 << 20,
        "Images whose pixels take as many bytes (rows x columns x bytes of a sample) get a lossless copy (HTJ2K) after settling, "
        "of which a smaller picture can be read first; 0 makes and shows no copies.",
        toml="copies.least_bytes",
    )

    change_days: float = setting(
        90.0,
        "A fact stays in the change feed for this many days; 0 keeps all.",
        toml="archive.change_days",
    )
