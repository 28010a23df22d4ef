-- Secrets are sealed under a key of the key store, each for its row.

-- Under which key, by its name; null: in clear, as before. The first start seals those.
alter table console_operator add column sealed_by text collate "C";
alter table webhook_secret add column sealed_by text collate "C";
create index webhook_secret_by_key on webhook_secret (sealed_by, endpoint, number);

-- The keys that secrets were and are sealed under. New ones are under the last.
create table secret_key (
    number bigint primary key,
    name text collate "C" not null unique,
    check_value bytea not null,
    -- Whose key store has it.
    node text not null,
    at bigint not null
);
create trigger secret_key_stays before update or delete on secret_key
for each row execute function stays('the record of a key');

-- What the disk may still hold of rows that are changed or gone, until their tables are written anew.
create table residue (
    what text collate "C" primary key
);
insert into residue (what) select 'secrets'
where exists (select 1 from console_operator) or exists (select 1 from webhook_endpoint);
