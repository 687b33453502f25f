"""Durable machinery that knows no medicine: db, blobs, jobs, events, audit, telemetry."""
