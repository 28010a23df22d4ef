-- What one node does for all that share this database, until a moment.
create table lease (
    name text primary key,
    node text not null,
    -- 16 random bytes of the node's start.
    start blob not null,
    -- Rises with every new holder.
    epoch integer not null,
    until integer not null
) without rowid;
