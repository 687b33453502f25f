-- sites and departments ------------------------------------------------------------------------------------------

create table site (
    id int generated always as identity primary key,
    tenant_id smallint not null references tenant,
    name text not null,
    timezone text not null default '',
    created_at timestamptz not null default now(),
    unique (tenant_id, name)
);
insert into site (tenant_id, name) select id, 'main' from tenant order by id;

create table department (
    id int generated always as identity primary key,
    tenant_id smallint not null references tenant,
    site_id int not null references site,
    name text not null,
    unique (tenant_id, site_id, name)
);

-- who works where ------------------------------------------------------------------------------------------------

-- `everywhere`: every site of the organisation. Who was there before this revision was nowhere in particular.
alter table app_user
    add column everywhere boolean not null default false,
    add column site_ids int[] not null default '{}',
    add column department_ids int[] not null default '{}',
    add column clearances text[] not null default '{}';
update app_user set everywhere = 'admin' = any(roles);
update app_user u set site_ids = array(select min(s.id) from site s where s.tenant_id = u.tenant_id);

alter table api_token add column site_ids int[] not null default '{}';
alter table device
    add column site_id int references site,
    add column department_id int references department,
    add column site_ids int[] not null default '{}';

-- The person behind a patient: of a patient who reads the own images, and of staff who are patients too.
create table user_patient (
    user_id uuid not null references app_user,
    patient_fk bigint not null references patient,
    primary key (user_id, patient_fk)
);

-- what a study is to whom ----------------------------------------------------------------------------------------

alter table arrival add column site_id int not null default 1, add column department_id int not null default 0;
alter table patient
    add column restriction text collate "C" not null default '' check (restriction in ('', 'vip', 'staff', 'confidential'));
-- `restriction` is the patient's, kept here so that lists need not join; `access.restrict` moves both in one transaction.
alter table study
    add column site_id int not null default 1,
    add column department_id int not null default 0,
    add column restriction text collate "C" not null default '';
create index study_by_site on study (tenant_id, site_id, received_at desc, id desc);
create index study_restricted on study (id) include (restriction) where restriction <> '';

-- `subject`: a user's id; of a project, its name.
create table study_tie (
    study_fk bigint not null references study,
    kind text collate "C" not null check (kind in ('referrer', 'reader', 'guest', 'project')),
    subject text collate "C" not null,
    tenant_id smallint not null references tenant,
    until timestamptz,
    created_at timestamptz not null default now(),
    created_by text not null,
    primary key (study_fk, kind, subject)
);
create index study_tie_by_subject on study_tie (tenant_id, subject, kind, study_fk);
create table project_member (
    tenant_id smallint not null references tenant,
    project text collate "C" not null,
    user_id uuid not null references app_user,
    primary key (tenant_id, project, user_id)
);

-- emergency access -----------------------------------------------------------------------------------------------

create table break_glass (
    id uuid primary key,
    tenant_id smallint not null references tenant,
    user_id uuid not null references app_user,
    patient_fk bigint not null references patient,
    reason_code text not null,
    reason text not null,
    granted_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    review_due_at timestamptz not null,
    reviewed_by text,
    reviewed_at timestamptz,
    finding text check (finding in ('justified', 'unjustified', 'unclear')),
    comment text not null default ''
);
create index break_glass_of_user on break_glass (user_id, expires_at);
create index break_glass_unreviewed on break_glass (tenant_id, granted_at) where reviewed_at is null;

-- policies -------------------------------------------------------------------------------------------------------

-- The newest version is in force; without one, the rules that the program brings.
create table access_policy (
    tenant_id smallint not null references tenant,
    version int not null,
    rules jsonb not null,
    comment text not null default '',
    created_at timestamptz not null,
    created_by text not null,
    primary key (tenant_id, version)
);
