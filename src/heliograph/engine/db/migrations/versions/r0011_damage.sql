-- Blobs whose bytes are not what was received. Few rows or none: every process looks here each second.
create table damaged_blob (
    blob text collate "C" primary key,
    found_at timestamptz not null
);
