-- What is closed takes nothing new; what came there stays where it is.
alter table site add column closed_at timestamptz;
alter table department add column closed_at timestamptz;

-- Somebody reset the second factor of this person: nothing opens before there is a new one.
alter table app_user add column must_enrol boolean not null default false;

alter table patient
    add column restriction_reason text not null default '',
    add column restricted_at timestamptz,
    add column restricted_by text not null default '';
create index patient_restricted on patient (tenant_id, id) where restriction <> '';
