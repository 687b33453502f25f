"""Devices: who calls, by which certificate or address, and what it may ask for."""
