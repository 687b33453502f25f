"""Heliograph, the open platform for medical imaging.

Read `app.py` first: it builds settings, engine, features and gateways. `docs/architecture.md` says where things live.
"""

__version__ = "0.1.0"
