-- Choices of a person, or of the house where user_id is null.
create table preference (
    tenant_id smallint not null references tenant,
    user_id uuid references app_user,
    name text collate "C" not null,
    document jsonb not null,
    revision int not null,
    changed_at timestamptz not null,
    unique nulls not distinct (tenant_id, user_id, name)
);
