-- The nodes that serve on this database. A row stays when its node has gone; what counts is `until`.
create table node (
    name text primary key,
    -- 16 random bytes of the node's start.
    start blob not null,
    -- Rises each time that the name is entered.
    epoch integer not null,
    roles text not null,
    -- What others may reach it by: for people.
    addresses text not null,
    -- The bearers that it carries for, with their room in bytes: name=room, separated by spaces.
    carries text not null,
    version text not null,
    -- By the database's clock, as all of these.
    entered_at integer not null,
    heard_at integer not null,
    until integer not null,
    -- The node's clock less the database's, in milliseconds.
    clock_apart integer not null
) without rowid;

-- The database's own clock: one that all nodes look at.
create view database_clock as
select cast(round((julianday('now') - 2440587.5) * 86400000.0) as integer) as at;
