"""The DIMSE door: our own upper layer (PS3.8) and message services (PS3.7), both as acceptor and as requestor."""
