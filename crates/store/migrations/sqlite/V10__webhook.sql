-- What merchants' servers are told. Ids are 16 bytes, time first.

create table webhook_endpoint (
    id blob primary key,
    merchant integer not null,
    -- The part of all endpoints that it belongs to: each is one node's at a time.
    shard integer not null,
    url text not null,
    -- Kinds with a space between, or '*'.
    wanted text not null,
    description text not null,
    failing_since integer,
    disabled_by text,
    disabled_at integer,
    created_at integer not null,
    updated_at integer not null,
    deleted_at integer
) without rowid;
create index webhook_endpoint_by_merchant on webhook_endpoint (merchant, id) where deleted_at is null;

-- In clear: see docs/decisions. One row a secret, the current one without an end.
create table webhook_secret (
    endpoint blob not null references webhook_endpoint (id),
    number integer not null,
    secret blob not null,
    until integer,
    primary key (endpoint, number)
) without rowid;
create unique index one_current_secret_an_endpoint on webhook_secret (endpoint) where until is null;

-- Events that are yet to become messages, in the transaction that made them true. A merchant who has no endpoint that is
-- enabled costs one look into an index.
create table webhook_outbox (
    event integer primary key
);
create trigger event_goes_out after insert on event
when exists (
    select 1 from webhook_endpoint where merchant = new.merchant and deleted_at is null and disabled_at is null
)
begin insert into webhook_outbox (event) values (new.seq); end;

-- The bytes that are signed and sent: once for all endpoints and attempts.
create table webhook_message (
    id blob primary key,
    merchant integer not null,
    kind text not null,
    order_id blob,
    body text not null,
    created_at integer not null
) without rowid;
create trigger webhook_message_stays before update on webhook_message
begin select raise(abort, 'a message is immutable'); end;

create table webhook_delivery (
    id blob primary key,
    message blob not null,
    endpoint blob not null,
    shard integer not null,
    state text not null,
    reason text,
    -- Since it was made or last resent, and of all time.
    made integer not null,
    attempts integer not null,
    due integer,
    updated_at integer not null,
    unique (message, endpoint)
) without rowid;
create index webhook_delivery_due on webhook_delivery (shard, endpoint, due, id) where state = 'pending';
create index webhook_delivery_by_endpoint on webhook_delivery (endpoint, id);
create index webhook_delivery_failed on webhook_delivery (endpoint, id) where state = 'failed';

create table webhook_attempt (
    delivery blob not null,
    number integer not null,
    at integer not null,
    duration_ms integer not null,
    status integer,
    reason text,
    excerpt text not null,
    primary key (delivery, number)
) without rowid;
