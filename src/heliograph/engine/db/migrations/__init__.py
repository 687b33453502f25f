"""Hand-written schema revisions, expand then contract."""
