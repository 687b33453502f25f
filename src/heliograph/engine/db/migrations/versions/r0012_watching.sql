-- How far the audit log is folded, in the order of its seals, and by which time zone days were told apart.
create table watch_fold (
    is_only boolean primary key default true check (is_only),
    zone text not null default '',
    number bigint not null default 0
);
insert into watch_fold default values;

-- What one person, program or device looked at and took out on one day of the site's calendar. study -1: the record names none.
create table watch_seen (
    tenant_id smallint not null references tenant,
    on_day date not null,
    kind text collate "C" not null,
    id text collate "C" not null,
    study bigint not null,
    patient bigint,
    name text not null,
    is_looked boolean not null,
    is_taken boolean not null,
    hours int not null,
    count bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (tenant_id, on_day, kind, id, study)
);

-- The same in numbers; bit n of hours: it looked at something in hour n.
create table watch_day (
    tenant_id smallint not null references tenant,
    on_day date not null,
    kind text collate "C" not null,
    id text collate "C" not null,
    name text not null,
    patients int not null,
    taken int not null,
    hours int not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (tenant_id, on_day, kind, id)
);

create table watch_refused (
    tenant_id smallint not null references tenant,
    on_day date not null,
    kind text collate "C" not null,
    id text collate "C" not null,
    name text not null,
    count bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (tenant_id, on_day, kind, id)
);
