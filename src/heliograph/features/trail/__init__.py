"""The audit log as people read it: search, tables to take along, verification, the proof of one object."""
