"""How people come in, and how long they stay."""

from dataclasses import dataclass

from heliograph.kit.settings.setting import one_of, setting


@dataclass(frozen=True)
class Access:
    """How people come in, and how long they stay."""

    glass_hours: float = setting(
        24.0, "Emergency access to a withheld patient ends after this.", toml="access.glass_hours", least=0.01
    )
    session_hours: float = setting(12.0, "A browser session ends after this.", toml="web.session_hours", least=0.01)
    second_factor: str = setting(
        "optional",
        "Whether everybody needs a second factor: `optional` or `required` (a passkey counts as both).",
        toml="access.second_factor",
    )
    step_up_minutes: float = setting(
        10.0,
        "How long a proof of who it is opens acts that want a fresh one (export, deletion, policies, tokens).",
        toml="access.step_up_minutes",
    )
    idle_lock_minutes: float = setting(
        15.0, "The screen is locked after so long without a movement; 0 never.", toml="access.idle_lock_minutes"
    )
    lock_tries: int = setting(
        8,
        "Failed sign-ins of one account within `access.lock_minutes` that close it.",
        toml="access.lock_tries",
        least=1,
    )
    lock_address_tries: int = setting(
        100,
        "Failed sign-ins from one address within `access.lock_minutes` that close it.",
        toml="access.lock_address_tries",
        least=1,
    )
    lock_minutes: float = setting(
        5.0, "The window in which failed sign-ins are counted.", toml="access.lock_minutes", least=0.01
    )
    token_days: float = setting(
        365.0, "A token ends after so many days when nobody says another.", toml="access.token_days", least=0.01
    )
    token_most_days: float = setting(
        730.0, "The longest that a token may live.", toml="access.token_most_days", least=0.01
    )


def check(settings: Access) -> None:
    one_of("access.second_factor", settings.second_factor, "optional", "required")
