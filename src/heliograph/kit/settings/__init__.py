"""The settings of one installation: one frozen object, built from flags, environment, `heliograph.toml` and defaults.

Precedence: flag, environment (`HELIOGRAPH_` + name), DIR/heliograph.toml, default. `docs/reference/settings.md` is generated from FIELDS.
A group of settings is a module of its own, with what its values must be.
"""

from heliograph.kit.settings.directory import is_begun_with_tls
from heliograph.kit.settings.installation import FIELDS, Settings
from heliograph.kit.settings.loading import env_name, load, secret_of
from heliograph.kit.settings.setting import split_address

__all__ = ["FIELDS", "Settings", "env_name", "is_begun_with_tls", "load", "secret_of", "split_address"]
