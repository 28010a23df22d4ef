-- The nodes that serve on this database. A row stays when its node has gone; what counts is `until`.
create table node (
    name text collate "C" primary key,
    -- 16 random bytes of the node's start.
    start bytea not null,
    -- Rises each time that the name is entered.
    epoch bigint not null,
    roles text collate "C" not null,
    -- What others may reach it by: for people.
    addresses text not null,
    -- The bearers that it carries for, with their room in bytes: name=room, separated by spaces.
    carries text collate "C" not null,
    version text not null,
    -- By the database's clock, as all of these.
    entered_at bigint not null,
    heard_at bigint not null,
    until bigint not null,
    -- The node's clock less the database's, in milliseconds.
    clock_apart bigint not null
);

-- The database's own clock: one that all nodes look at.
create view database_clock as select cast(extract(epoch from clock_timestamp()) * 1000 as bigint) as at;
