-- organisations --------------------------------------------------------------------------------------------------

alter table tenant
    add column display_name text not null default '',
    add column closed_at timestamptz;

-- The AE titles by which callers mean an organisation, and the host names under which its people come. Each is one organisation's alone.
create table tenant_title (
    aet text collate "C" primary key,
    tenant_id smallint not null references tenant,
    created_at timestamptz not null default now()
);
create index tenant_title_of on tenant_title (tenant_id, created_at, aet);
create table tenant_host (
    host text collate "C" primary key,
    tenant_id smallint not null references tenant,
    created_at timestamptz not null default now()
);
create index tenant_host_of on tenant_host (tenant_id, created_at, host);

-- limits ---------------------------------------------------------------------------------------------------------

-- What a device may take within an hour; null is what the settings say, 0 without a limit.
alter table device
    add column hourly_instances int check (hourly_instances >= 0),
    add column hourly_bytes bigint check (hourly_bytes >= 0);

-- What devices took, in slots of five minutes.
create table taken (
    device_id bigint not null references device on delete cascade,
    slot timestamptz not null,
    instances bigint not null default 0,
    bytes bigint not null default 0,
    primary key (device_id, slot)
);

-- Whose requests were refused because they were too many, by the minute.
create table limit_hit (
    tenant_id smallint not null references tenant,
    minute timestamptz not null,
    what text collate "C" not null,
    who text not null,
    address text not null default '',
    count bigint not null default 1,
    primary key (tenant_id, minute, what, who, address)
);
create index limit_hit_by_time on limit_hit (minute);
