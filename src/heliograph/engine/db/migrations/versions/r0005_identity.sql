-- people and stations --------------------------------------------------------------------------------------------

-- `outside`: who the person is elsewhere (issuer and subject of a sign-in service, or the entry of a directory).
alter table app_user
    add column kind text collate "C" not null default 'person' check (kind in ('person', 'station')),
    add column outside text collate "C",
    add column pin_hash text,
    add column totp_secret text,
    add column totp_since timestamptz,
    add column totp_counter bigint not null default 0;
create unique index app_user_outside on app_user (tenant_id, outside) where outside is not null;

create table recovery_code (
    user_id uuid not null references app_user,
    code_hash bytea not null,
    used_at timestamptz,
    primary key (user_id, code_hash)
);

-- `rp_id`: the name of the site the browser made it for (WebAuthn 2 5.1.3); it works nowhere else.
create table passkey (
    id uuid primary key,
    user_id uuid not null references app_user,
    credential_id bytea not null unique,
    public_key bytea not null,
    sign_count bigint not null,
    is_synced boolean not null,
    transports text[] not null default '{}',
    rp_id text not null,
    name text not null,
    created_at timestamptz not null,
    last_used_at timestamptz
);
create index passkey_of_user on passkey (user_id);

-- sessions -------------------------------------------------------------------------------------------------------

-- `active_at`: when a person last moved something; `proven_at`: when the person last showed who it is.
alter table session
    add column way text collate "C" not null default '',
    add column agent text not null default '',
    add column active_at timestamptz,
    add column proven_at timestamptz,
    add column locked_at timestamptz;

-- what is half done ----------------------------------------------------------------------------------------------

-- A challenge that was given and not answered yet. The browser holds the secret, the table its digest.
create table sign_in_step (
    step_hash bytea primary key,
    kind text collate "C" not null,
    user_id uuid references app_user,
    address text not null default '',
    detail jsonb not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index sign_in_step_expired on sign_in_step (expires_at);
create index sign_in_step_of_address on sign_in_step (address);

-- One row for each attempt that was let through and did not succeed (yet).
create table sign_in_attempt (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    account bytea not null,
    address text not null
);
create index sign_in_attempt_by_account on sign_in_attempt (account, at);
create index sign_in_attempt_by_address on sign_in_attempt (address, at);
create index sign_in_attempt_by_time on sign_in_attempt (at);
