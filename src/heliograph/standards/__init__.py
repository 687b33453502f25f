"""Pure knowledge of the standards: bytes to values and back; no socket, no SQL, no clock."""
