-- Key columns are COLLATE "C": byte order is what DICOM ranges and our cursors mean.

create table tenant (
    id smallint primary key,
    name text not null unique,
    created_at timestamptz not null default now()
);
insert into tenant (id, name) values (1, 'default');

create table site_value (
    key text primary key,
    value text not null
);

-- access ---------------------------------------------------------------------------------------------------------

create table app_user (
    id uuid primary key,
    tenant_id smallint not null references tenant,
    name text collate "C" not null,
    display_name text not null default '',
    password_hash text,
    roles text[] not null default '{}',
    preferences jsonb not null default '{}',
    created_at timestamptz not null default now(),
    disabled_at timestamptz,
    failed_count int not null default 0,
    locked_until timestamptz,
    unique (tenant_id, name)
);

create table session (
    token_hash bytea primary key,
    user_id uuid not null references app_user,
    csrf text not null,
    address text not null default '',
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz
);
create index session_of_user on session (user_id);

create table sign_in_link (
    code_hash bytea primary key,
    user_id uuid not null references app_user,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);

create table api_token (
    id uuid primary key,
    tenant_id smallint not null references tenant,
    name text not null,
    token_hash bytea not null unique,
    scopes text[] not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);

create table device (
    id bigint generated always as identity primary key,
    tenant_id smallint not null references tenant,
    aet text collate "C" not null,
    host text not null default '',
    port int,
    description text not null default '',
    allow text[] not null default '{echo,store}',
    pinned boolean not null default false,
    default_issuer text not null default '',
    answer_success_when_held boolean not null default false,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz,
    stored_count bigint not null default 0,
    problems jsonb not null default '[]',
    unique (tenant_id, aet)
);

create table caller (
    id bigint generated always as identity primary key,
    tenant_id smallint not null references tenant,
    aet text collate "C" not null,
    address text collate "C" not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    associations bigint not null default 0,
    stored_count bigint not null default 0,
    refused_count bigint not null default 0,
    proposals text[] not null default '{}',
    unique (tenant_id, aet, address)
);

-- patients -------------------------------------------------------------------------------------------------------

create table patient (
    id bigint generated always as identity primary key,
    tenant_id smallint not null references tenant,
    identity_key text collate "C" not null,
    issuer text collate "C" not null,
    patient_id text collate "C" not null,
    name text not null default '',
    birth_date text collate "C" not null default '',
    sex text collate "C" not null default '',
    created_at timestamptz not null default now(),
    unique (tenant_id, identity_key)
);
create index patient_by_id on patient (tenant_id, patient_id);

-- archive --------------------------------------------------------------------------------------------------------

create table arrival (
    id bigint generated always as identity primary key,
    tenant_id smallint not null references tenant,
    door text not null,
    source text not null,
    device_id bigint references device on delete set null,
    caller_id bigint references caller on delete set null,
    actor text not null,
    address text not null default '',
    called_aet text not null default '',
    unverified boolean not null default false,
    issuer text not null default '',
    began_at timestamptz not null,
    ended_at timestamptz,
    stored bigint not null default 0,
    identical bigint not null default 0,
    held bigint not null default 0,
    failed bigint not null default 0
);

create index arrival_open on arrival (began_at) where ended_at is null;

-- The words of ModalitiesInStudy between blanks. Index rows are bounded, so it is cut.
create function modality_words(modalities text[]) returns text language sql immutable strict parallel safe
    return left(' ' || array_to_string(modalities, ' ') || ' ', 100);

create table study (
    id bigint generated always as identity primary key,
    tenant_id smallint not null references tenant,
    patient_fk bigint not null references patient,
    study_uid text collate "C" not null,
    patient_id text collate "C" not null default '',
    issuer text collate "C" not null default '',
    patient_name text not null default '',
    patient_name_folded text collate "C" not null default '',
    -- The second and the third component group alone: a pattern may match any of them.
    ideographic_folded text collate "C" not null default '',
    phonetic_folded text collate "C" not null default '',
    has_name_groups boolean not null generated always as (position('=' in patient_name) > 0) stored,
    birth_date text collate "C" not null default '',
    sex text collate "C" not null default '',
    study_date text collate "C" not null default '',
    study_time text collate "C" not null default '',
    timezone_offset text collate "C" not null default '',
    accession_number text collate "C" not null default '',
    study_id text collate "C" not null default '',
    description text not null default '',
    referring_physician text not null default '',
    referring_physician_folded text collate "C" not null default '',
    institution text not null default '',
    body_part text collate "C" not null default '',
    modalities text[] collate "C" not null default '{}',
    modality_key text collate "C" not null default '',
    sop_classes text[] collate "C" not null default '{}',
    attributes jsonb not null default '{}',
    search_grams int4[] not null default '{}',
    search_text text collate "C" not null default '',
    modality_words text collate "C" not null generated always as (modality_words(modalities)) stored,
    series_count int not null default 0,
    instance_count int not null default 0,
    bytes bigint not null default 0,
    held_count int not null default 0,
    unverified boolean not null default false,
    source text not null default '',
    revision bigint not null default 0,
    received_at timestamptz not null,
    last_received_at timestamptz not null,
    settles_at timestamptz,
    settled_at timestamptz,
    -- Null while a study grows, so that a further instance writes no index.
    settled_instances int generated always as (case when settled_at is not null then instance_count end) stored,
    unique (tenant_id, study_uid)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
-- Each index of an order carries what most searches ask for: a row of the table costs ten times a row of an index.
-- The settings of autovacuum keep most pages marked as visible to all, without which the table would be read after all.
-- Counts of a patient's studies, and of the earlier ones, need no row.
create index study_by_patient on study (patient_fk) include (tenant_id, id, study_date, study_time);
create index study_by_received on study (tenant_id, received_at desc, id desc) include (study_date, modality_words, search_text);
-- That of the date carries every other order too: a day or a month is sorted without reading the table.
create index study_by_date on study (tenant_id, study_date, study_time, id) include (
    received_at, modality_words, search_text, patient_name_folded, patient_id, accession_number, modality_key, settled_instances
);
create index study_by_name on study (tenant_id, patient_name_folded, id)
    include (received_at, study_date, study_time, patient_fk, has_name_groups, modality_words, search_text);
-- Those that begin with some letters are collected from three indexes, with what puts them in order.
create index study_by_ideographic on study (tenant_id, ideographic_folded, id)
    include (study_date, study_time, patient_fk, modality_words, search_text) where ideographic_folded <> '';
create index study_by_phonetic on study (tenant_id, phonetic_folded, id)
    include (study_date, study_time, patient_fk, modality_words, search_text) where phonetic_folded <> '';
create index study_by_patient_id on study (tenant_id, patient_id, id)
    include (received_at, study_date, modality_words, search_text);
create index study_by_accession on study (tenant_id, accession_number, id)
    include (received_at, study_date, modality_words, search_text);
create index study_by_modality on study (tenant_id, modality_key, received_at desc, id desc)
    include (study_date, modality_words, search_text);
create index study_by_instances on study (tenant_id, settled_instances, id)
    include (received_at, study_date, modality_words, search_text) where settled_instances is not null;
create index study_by_referring on study (tenant_id, referring_physician_folded, id)
    include (study_date, study_time, patient_fk, modality_words, search_text);
-- A pattern may match any component group of a name: with this index "begins with, or has groups" is answered by two.
create index study_referred_with_groups on study (tenant_id, referring_physician_folded, id)
    include (study_date, study_time, patient_fk, modality_words, search_text) where position('=' in referring_physician) > 0;
create index study_by_birth_date on study (tenant_id, birth_date, id);
create index study_by_study_id on study (tenant_id, study_id, id);
-- One index for both: words and a modality together are met without a list of all studies of the modality.
create index study_by_words on study using gin (search_grams, modalities) with (fastupdate = off);
create index study_unsettled on study (id) where settled_at is null;
create index study_with_held on study (tenant_id, id) where held_count > 0;

create table series (
    id bigint generated always as identity primary key,
    tenant_id smallint not null references tenant,
    study_fk bigint not null references study,
    series_uid text collate "C" not null,
    number int,
    modality text collate "C" not null default '',
    description text not null default '',
    body_part text collate "C" not null default '',
    laterality text collate "C" not null default '',
    protocol_name text not null default '',
    series_date text collate "C" not null default '',
    series_time text collate "C" not null default '',
    pps_date text collate "C" not null default '',
    pps_time text collate "C" not null default '',
    station_name text not null default '',
    manufacturer text not null default '',
    model_name text not null default '',
    institution text not null default '',
    department text not null default '',
    performing_physician text not null default '',
    frame_of_reference_uid text collate "C" not null default '',
    attributes jsonb not null default '{}',
    instance_count int not null default 0,
    frame_count int not null default 0,
    bytes bigint not null default 0,
    revision bigint not null default 0,
    received_at timestamptz not null,
    last_received_at timestamptz not null,
    settles_at timestamptz,
    settled_at timestamptz,
    unique (tenant_id, series_uid)
) with (fillfactor = 60);
create index series_by_study on series (study_fk);
create index series_unsettled on series (id) where settled_at is null;

create table instance (
    id bigint generated always as identity primary key,
    tenant_id smallint not null,  -- of the series, which refers to it: a reference here would lock one row for every insert
    series_fk bigint not null references series,
    sop_uid text collate "C" not null,
    sop_class_uid text collate "C" not null,
    transfer_syntax_uid text collate "C" not null,
    number int,
    frame_count int not null default 1,
    rows int,
    columns int,
    bits_allocated smallint,
    size_bytes bigint not null,
    prefix_bytes int not null,
    header_bytes int not null,
    sha256 bytea not null,
    blob text collate "C" not null,
    version int not null default 1,
    problems text[],
    arrival_id bigint not null,
    received_at timestamptz not null,
    verified_at timestamptz,
    unique (tenant_id, sop_uid)
);
create index instance_by_series on instance (series_fk, number, id);

create table instance_version (
    id bigint generated always as identity primary key,
    tenant_id smallint not null references tenant,
    instance_fk bigint not null references instance,
    version int not null,
    sop_class_uid text collate "C" not null,
    transfer_syntax_uid text collate "C" not null,
    size_bytes bigint not null,
    prefix_bytes int not null,
    header_bytes int not null,
    sha256 bytea not null,
    blob text collate "C" not null,
    arrival_id bigint not null,
    received_at timestamptz not null,
    superseded_at timestamptz not null,
    verified_at timestamptz,
    unique (instance_fk, version)
);

create table held (
    id uuid primary key,
    tenant_id smallint not null references tenant,
    received_at timestamptz not null,
    arrival_id bigint not null,
    door text not null,
    source text not null,
    reason_code text not null,
    reason text not null,
    study_uid text collate "C" not null default '',
    series_uid text collate "C" not null default '',
    sop_uid text collate "C" not null default '',
    sop_class_uid text collate "C" not null default '',
    transfer_syntax_uid text collate "C" not null default '',
    study_fk bigint references study,
    blob text collate "C" not null,
    size_bytes bigint not null,
    prefix_bytes int not null,
    sha256 bytea not null,
    difference jsonb not null default '[]',
    state text not null default 'held' check (state in ('held', 'released', 'discarded')),
    decided_by text,
    decided_at timestamptz,
    decided_reason text,
    verified_at timestamptz
);
create index held_open on held (tenant_id, received_at desc) where state = 'held';
create index held_by_digest on held (tenant_id, sha256);
create index held_by_study on held (study_fk) where state = 'held';
create index held_unplaced on held (tenant_id, study_uid) where state = 'held' and study_fk is null;

create table series_document (
    series_fk bigint primary key references series,
    revision bigint not null,
    format smallint not null,
    body bytea not null,
    made_at timestamptz not null
);
alter table series_document alter column body set storage external;

create table thumbnail (
    series_fk bigint primary key references series,
    revision bigint not null,
    media_type text not null,
    body bytea not null
);

-- events, audit, alarms ------------------------------------------------------------------------------------------

create table outbox (
    id bigint generated always as identity primary key,
    tenant_id smallint not null references tenant,
    kind text not null,
    subject jsonb not null,
    at timestamptz not null,
    number bigint unique
);
create index outbox_unnumbered on outbox (id) where number is null;
create sequence change_number;

create table audit_event (
    id bigint generated always as identity primary key,
    tenant_id smallint not null references tenant,
    at timestamptz not null,
    kind text not null,
    outcome text not null,
    actor jsonb not null,
    subject jsonb not null,
    detail jsonb not null default '{}'
);
create index audit_event_by_time on audit_event (tenant_id, at);

create table alarm (
    id uuid primary key,
    tenant_id smallint not null references tenant,
    key text not null,
    kind text not null,
    severity text not null,
    message text not null,
    mend text not null,
    since timestamptz not null,
    cleared_at timestamptz,
    acknowledged_by text,
    notified_at timestamptz
);
create unique index alarm_open on alarm (tenant_id, key) where cleared_at is null;

-- routing --------------------------------------------------------------------------------------------------------

create table remote_node (
    id uuid primary key,
    tenant_id smallint not null references tenant,
    name text not null,
    aet text not null,
    host text not null,
    port int not null,
    created_at timestamptz not null default now(),
    unique (tenant_id, name)
);

create table forward_rule (
    id uuid primary key,
    tenant_id smallint not null references tenant,
    name text not null,
    enabled boolean not null default true,
    node_id uuid not null references remote_node,
    modalities text[] not null default '{}',
    device_ids bigint[] not null default '{}',
    created_at timestamptz not null default now()
);

create table send (
    id uuid primary key,
    tenant_id smallint not null references tenant,
    study_fk bigint not null references study,
    series_fk bigint references series,
    node_id uuid not null references remote_node,
    rule_id uuid references forward_rule on delete set null,
    state text not null default 'queued' check (state in ('queued', 'sending', 'waiting', 'done', 'failed', 'cancelled')),
    done int not null default 0,
    total int not null default 0,
    failed int not null default 0,
    attempts int not null default 0,
    sent_through bigint not null default 0,
    next_attempt_at timestamptz,
    error text,
    requested_by text not null,
    created_at timestamptz not null,
    finished_at timestamptz
);
create index send_open on send (next_attempt_at) where state in ('queued', 'waiting', 'sending');
create index send_by_time on send (tenant_id, created_at desc);
create index send_by_study on send (study_fk);

-- long work ------------------------------------------------------------------------------------------------------

create table job (
    id uuid primary key,
    tenant_id smallint not null references tenant,
    kind text not null,
    title text not null,
    state text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
    done bigint not null default 0,
    total bigint,
    unit text not null default '',
    cursor jsonb not null default '{}',
    arguments jsonb not null default '{}',
    summary jsonb not null default '{}',
    error text,
    cancel_requested boolean not null default false,
    requested_by text not null,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz
);
create index job_by_time on job (tenant_id, created_at desc);
create index job_open on job (tenant_id, kind) where state in ('queued', 'running');

create table import_file (
    job_id uuid not null references job,
    path text not null,
    entry text not null default '',
    outcome text not null,
    reason text not null default '',
    primary key (job_id, path, entry)
);
