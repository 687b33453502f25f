"""DICOMweb: STOW-RS, QIDO-RS, WADO-RS (PS3.18).

application  the door as one ASGI application; frames go past the framework
qido stow    search and store
wado         instances, metadata, bulk data; `frames`, `rendered` beside it
locate       from UIDs to a blob that the actor may see
negotiation  Accept headers
"""

from heliograph.gateways.dicomweb.application import DicomWebApplication, application

__all__ = ["DicomWebApplication", "application"]
