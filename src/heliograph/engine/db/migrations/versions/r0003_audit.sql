-- The log's own name: a chain of one installation can never be passed off as another's.
create table audit_log (
    id uuid primary key default gen_random_uuid(),
    made_at timestamptz not null default now()
);
insert into audit_log default values;

-- One row for each row of audit_event, in the order of the sealing; the event's own row is never touched.
create table audit_seal (
    number bigint primary key,
    event_id bigint not null unique,
    sealed_at timestamptz not null,
    leaf bytea not null,
    chain bytea not null
);

-- Whole subtrees of 256^level leaves (RFC 9162 2.1), so that a proof reads a thousand rows and not all.
create table audit_tile (
    level smallint not null,
    index bigint not null,
    hash bytea not null,
    primary key (level, index)
);

create table audit_key (
    fingerprint text collate "C" primary key,
    public_key bytea not null,
    since timestamptz not null
);

create table audit_checkpoint (
    number bigint primary key,
    size bigint not null,
    at timestamptz not null,
    settled bigint not null,
    body text not null,
    signature bytea not null
);

-- What one arrival brought: 32 bytes for each object, in the order in which they came. Their root stands in the event of the arrival.
create table audit_receipt (
    id bigint generated always as identity primary key,
    arrival_id bigint not null,
    root bytea not null,
    leaves bytea not null,
    made_at timestamptz not null default now()
);
alter table audit_receipt alter column leaves set storage external;
create index audit_receipt_by_arrival on audit_receipt (arrival_id);

-- How far the sender has come. This one moves.
create table audit_sent (
    name text collate "C" primary key,
    number bigint not null default 0,
    failing_since timestamptz,
    error text not null default ''
);

create index audit_event_by_study_uid on audit_event ((subject->>'study_uid'), at) where subject ? 'study_uid';
create index audit_event_by_study on audit_event ((subject->>'study'), at) where subject ? 'study';

create function audit_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only: % of % is refused', lower(tg_op), tg_table_name using errcode = 'insufficient_privilege';
end
$$;

do $$
declare name text;
begin
    foreach name in array array['audit_event', 'audit_log', 'audit_seal', 'audit_tile', 'audit_key', 'audit_checkpoint', 'audit_receipt'] loop
        execute format('create trigger append_only before update or delete or truncate on %I for each statement execute function audit_append_only()', name);
    end loop;
end
$$;
