-- Secrets are sealed under a key of the key store, each for its row.

-- Under which key, by its name; null: in clear, as before. The first start seals those.
alter table console_operator add column sealed_by text;
alter table webhook_secret add column sealed_by text;
create index webhook_secret_by_key on webhook_secret (sealed_by, endpoint, number);

-- The keys that secrets were and are sealed under. New ones are under the last.
create table secret_key (
    number integer primary key,
    name text not null unique,
    check_value blob not null,
    -- Whose key store has it.
    node text not null,
    at integer not null
);
create trigger secret_key_stays before update on secret_key
begin select raise(abort, 'the record of a key is immutable'); end;
create trigger secret_key_is_kept before delete on secret_key
begin select raise(abort, 'the record of a key is immutable'); end;

-- What the disk may still hold of rows that are changed or gone, until the database is written anew.
create table residue (
    what text primary key
) without rowid;
insert into residue (what) select 'secrets'
where exists (select 1 from console_operator) or exists (select 1 from webhook_endpoint);
