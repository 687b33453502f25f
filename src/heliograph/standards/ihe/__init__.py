"""IHE: what our audit rows are called outside (ITI-20, PS3.15 A.5, FHIR R4 AuditEvent, RFC 5424). Pure knowledge."""
