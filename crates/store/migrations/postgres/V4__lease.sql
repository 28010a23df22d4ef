-- What one node does for all that share this database, until a moment.
create table lease (
    name text collate "C" primary key,
    node text collate "C" not null,
    -- 16 random bytes of the node's start.
    start bytea not null,
    -- Rises with every new holder.
    epoch bigint not null,
    until bigint not null
);
