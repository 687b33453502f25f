-- What a program may take within an hour; null is what the settings say, 0 without a limit.
alter table api_token
    add column hourly_instances int check (hourly_instances >= 0),
    add column hourly_bytes bigint check (hourly_bytes >= 0);

-- What programs took, in slots of five minutes.
create table token_taken (
    token_id uuid not null references api_token on delete cascade,
    slot timestamptz not null,
    instances bigint not null default 0,
    bytes bigint not null default 0,
    primary key (token_id, slot)
);
