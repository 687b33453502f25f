-- Every change of a mark as it was made, never rewritten. `number` orders the answers; the identifier is the browser's.
create table mark_event (
    tenant_id smallint not null references tenant,
    id uuid not null,
    number bigint generated always as identity unique,
    study_id bigint not null references study,
    mark_id uuid not null,
    version int not null check (version > 0),
    body jsonb,
    doubt text not null default '',
    author uuid references app_user,
    author_name text not null,
    at timestamptz not null,
    received_at timestamptz not null,
    primary key (tenant_id, id)
);
create index mark_event_by_study on mark_event (study_id, number);

-- What follows from the log. No body: taken away.
create table mark (
    tenant_id smallint not null references tenant,
    id uuid not null,
    study_id bigint not null references study,
    version int not null,
    event_id uuid not null,
    number bigint not null,
    body jsonb,
    doubt text not null default '',
    drawn_by uuid references app_user,
    changed_by uuid references app_user,
    drawn_at timestamptz not null,
    changed_at timestamptz not null,
    primary key (tenant_id, id)
);
create index mark_by_study on mark (study_id, number);
