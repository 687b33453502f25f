-- What the signing key before says of a key that follows it: log, old, at and signature (Ed25519 over the text of engine.audit.verifier).
alter table audit_key add column change jsonb;
