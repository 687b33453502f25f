"""FHIR R4 below `/fhir`: today the audit log (RESTful ATNA, ITI-81), nothing else."""

from heliograph.gateways.fhir.audit_events import router
from heliograph.gateways.fhir.outcome import outcome

__all__ = ["outcome", "router"]
