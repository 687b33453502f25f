-- Copies of frames for quick reading, made after settling. They hold nothing that the objects do not hold, and may be thrown away.
create table frame_copy (
    id bigint generated always as identity primary key,
    instance_fk bigint not null references instance on delete cascade,
    series_fk bigint not null,
    sha256 bytea not null,  -- of the object that was copied
    blob text collate "C",  -- in the store of derived blobs; null when no frame of the object could be copied
    layout bytea not null,
    made_at timestamptz not null,
    unique (instance_fk)
);
create index frame_copy_by_series on frame_copy (series_fk);

-- Bytes of copies that are gone. Their room is given back when nobody can be reading them any more.
create table frame_copy_gone (
    blob text collate "C" primary key,
    gone_at timestamptz not null
);

create function frame_copy_goes() returns trigger language plpgsql as $$
begin
    if old.blob is not null then
        insert into frame_copy_gone (blob, gone_at) values (old.blob, clock_timestamp()) on conflict do nothing;
    end if;
    return null;
end $$;
create trigger frame_copy_goes after delete on frame_copy for each row execute function frame_copy_goes();

-- A replaced object takes its copy along in the same transaction.
create function frame_copy_replaced() returns trigger language plpgsql as $$
begin
    delete from frame_copy where instance_fk = new.id;
    return null;
end $$;
create trigger frame_copy_replaced after update of sha256 on instance for each row
    when (old.sha256 is distinct from new.sha256) execute function frame_copy_replaced();
