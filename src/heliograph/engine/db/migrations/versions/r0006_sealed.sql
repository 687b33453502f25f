-- `totp_sealed`: the secret of the authenticator app, sealed with a key that is not in the database. `totp_secret` of before is emptied.
alter table app_user add column totp_sealed bytea;

-- Who made the token, for the list of tokens.
alter table api_token add column issued_by text not null default '';
