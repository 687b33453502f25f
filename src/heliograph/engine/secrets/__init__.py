"""Keys and certificates: the authority of the installation, TLS contexts of its doors and calls, and what the database keeps sealed.

`authority` needs the package cryptography and is loaded when something is issued; a door needs only what the system's library does.
"""

from heliograph.engine.secrets.keeping import (
    FOLDER,
    caller,
    devices_file,
    door,
    ending,
    ensure,
    is_wanted,
    own_ends,
    own_pair,
    trusted,
)
from heliograph.engine.secrets.names import names_of
from heliograph.engine.secrets.summary import Summary
from heliograph.engine.secrets.tls import Clients, Pair, Renewed, client_context, fingerprint_of, server_context
from heliograph.engine.secrets.vault import Vault

__all__ = [
    "FOLDER", "Clients", "Pair", "Renewed", "Summary", "Vault", "caller", "client_context", "devices_file", "door", "ending", "ensure", "fingerprint_of", "is_wanted", "names_of", "own_ends", "own_pair",
    "server_context", "trusted",
]  # fmt: skip
