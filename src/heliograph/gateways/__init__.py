"""Doors: protocol in, feature call, protocol out. They share only `http`."""
