-- What merchants' servers are told. Ids are 16 bytes, time first.

create table webhook_endpoint (
    id bytea primary key,
    merchant bigint not null,
    -- The part of all endpoints that it belongs to: each is one node's at a time.
    shard bigint not null,
    url text not null,
    -- Kinds with a space between, or '*'.
    wanted text not null,
    description text not null,
    failing_since bigint,
    disabled_by text collate "C",
    disabled_at bigint,
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint
);
create index webhook_endpoint_by_merchant on webhook_endpoint (merchant, id) where deleted_at is null;

-- In clear: see docs/decisions. One row a secret, the current one without an end.
create table webhook_secret (
    endpoint bytea not null references webhook_endpoint (id),
    number bigint not null,
    secret bytea not null,
    until bigint,
    primary key (endpoint, number)
);
create unique index one_current_secret_an_endpoint on webhook_secret (endpoint) where until is null;

-- Events that are yet to become messages, in the transaction that made them true. A merchant who has no endpoint that is
-- enabled costs one look into an index.
create table webhook_outbox (
    event bigint primary key
);
create function event_goes_out() returns trigger language plpgsql as $$
begin
    if exists (
        select 1 from webhook_endpoint
        where merchant = new.merchant and deleted_at is null and disabled_at is null
    ) then
        insert into webhook_outbox (event) values (new.seq);
    end if;
    return null;
end $$;
create trigger event_goes_out after insert on event for each row execute function event_goes_out();

-- The bytes that are signed and sent: once for all endpoints and attempts.
create table webhook_message (
    id bytea primary key,
    merchant bigint not null,
    kind text collate "C" not null,
    order_id bytea,
    body text not null,
    created_at bigint not null
);
create function webhook_message_stays() returns trigger language plpgsql as $$
begin
    raise exception 'a message is immutable';
end $$;
create trigger webhook_message_stays before update on webhook_message
for each row execute function webhook_message_stays();

create table webhook_delivery (
    id bytea primary key,
    message bytea not null,
    endpoint bytea not null,
    shard bigint not null,
    state text collate "C" not null,
    reason text collate "C",
    -- Since it was made or last resent, and of all time.
    made bigint not null,
    attempts bigint not null,
    due bigint,
    updated_at bigint not null,
    unique (message, endpoint)
);
create index webhook_delivery_due on webhook_delivery (shard, endpoint, due, id) where state = 'pending';
create index webhook_delivery_by_endpoint on webhook_delivery (endpoint, id);
create index webhook_delivery_failed on webhook_delivery (endpoint, id) where state = 'failed';

create table webhook_attempt (
    delivery bytea not null,
    number bigint not null,
    at bigint not null,
    duration_ms bigint not null,
    status bigint,
    reason text collate "C",
    excerpt text not null,
    primary key (delivery, number)
);
