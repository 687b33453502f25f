create table series_facts (
    series_fk bigint primary key references series,
    revision bigint not null,
    format smallint not null,
    facts jsonb not null,
    made_at timestamptz not null
);

create table hanging_protocol (
    id uuid primary key,
    tenant_id smallint not null references tenant,
    layer text collate "C" not null check (layer in ('site', 'role', 'user')),
    role text collate "C" not null default '',
    user_id uuid references app_user,
    protocol text collate "C" not null,
    enabled boolean not null default true,
    document jsonb not null,
    version int not null default 1,
    changed_at timestamptz not null,
    changed_by text not null
);
-- One of a name in each layer: what is nearer to the person stands over what is farther.
create unique index hanging_protocol_place on hanging_protocol
    (tenant_id, layer, role, coalesce(user_id, '00000000-0000-0000-0000-000000000000'::uuid), protocol);
