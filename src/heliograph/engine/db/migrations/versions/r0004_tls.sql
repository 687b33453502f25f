-- TLS: the certificates of devices, and which nodes are called with it.

create table device_certificate (
    tenant_id smallint not null references tenant,
    fingerprint text collate "C" not null,
    device_id bigint references device on delete set null,
    subject text not null,
    serial text collate "C" not null,
    is_own boolean not null,
    not_before timestamptz not null,
    not_after timestamptz not null,
    pem text not null,
    created_at timestamptz not null default now(),
    revoked_at timestamptz,
    revoke_reason text not null default '',
    primary key (tenant_id, fingerprint)
);
create index device_certificate_device on device_certificate (device_id);

alter table device add column tls boolean not null default false;
alter table remote_node add column tls boolean not null default false;
alter table remote_node add column tls_fingerprint text collate "C" not null default '';
