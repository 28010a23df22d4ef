-- Money is integer minor units. Ids of 128 bits are 16-byte blobs, big-endian, time first.

create table merchant (
    id integer primary key,
    name text not null,
    created_at integer not null
);

create table api_key (
    hash blob primary key,
    merchant integer not null references merchant (id),
    hint text not null,
    live integer not null,
    created_at integer not null,
    revoked_at integer
) without rowid;

create table place (
    id integer primary key,
    merchant integer not null references merchant (id),
    name text not null,
    unique (merchant, name)
);

create table holder (
    reference integer primary key,
    name text not null,
    document_digest blob not null,
    created_at integer not null
);

create table account (
    id integer primary key,
    kind text not null,
    owner integer not null,
    currency integer not null,
    posted integer not null default 0,
    pending_out integer not null default 0 check (pending_out >= 0),
    pending_in integer not null default 0 check (pending_in >= 0),
    unique (kind, owner, currency)
);

create table transfer (
    id blob primary key,
    from_account integer not null,
    to_account integer not null,
    currency integer not null,
    amount integer not null,
    posted_amount integer,
    state integer not null,
    purpose text not null,
    linked blob,
    created_at integer not null,
    ended_at integer
) without rowid;

-- Immutable: nothing updates or deletes a posting.
create table posting (
    id integer primary key,
    transfer blob not null,
    account integer not null,
    units integer not null,
    at integer not null
);
create trigger posting_stays before update on posting
begin select raise(abort, 'a posting is immutable'); end;
create trigger posting_is_kept before delete on posting
begin select raise(abort, 'a posting is immutable'); end;

create table card (
    id integer primary key,
    number integer not null unique,
    certificate integer not null,
    made_for integer not null,
    made_at integer not null,
    life_cycle text not null,
    bound_to integer references holder (reference),
    valid_until integer not null,
    has_display integer not null,
    listens integer not null,
    suite integer not null,
    key_version integer not null,
    key_origin text,
    check_value blob not null,
    channel blob not null
);
create unique index one_open_card_a_channel on card (channel) where life_cycle <> 'closed';
create index card_by_holder on card (bound_to) where bound_to is not null;

-- What changes with every frame, apart from what rarely changes.
create table link_state (
    card integer primary key,
    key_version integer not null,
    uplink_mark integer,
    downlink_mark integer,
    clock_set integer not null default 0,
    battery integer,
    firmware integer,
    heard_at integer,
    address text,
    last_uplink blob,
    last_answer blob,
    prompts_since integer not null default 0,
    prompts integer not null default 0
);

create table orders (
    id blob primary key,
    merchant integer not null,
    card integer not null,
    currency integer not null,
    amount integer not null,
    place integer not null,
    text text,
    presses integer,
    state text not null,
    reason text,
    reservation blob not null,
    reference text,
    return_url text,
    created_at integer not null,
    updated_at integer not null,
    expires_at integer not null
) without rowid;
create index order_by_merchant on orders (merchant, id);
create index order_waiting on orders (card, id) where state in ('awaiting_card', 'processing');
create index order_lapsing on orders (expires_at) where state in ('awaiting_card', 'processing');

-- One B, one plaintext: the primary key is the rule.
create table authorization (
    card integer not null,
    key_version integer not null,
    b integer not null,
    order_id blob not null,
    state integer not null,
    until integer not null,
    answering integer not null,
    number integer not null,
    holder integer not null,
    hello blob,
    shown blob not null,
    frame blob not null,
    result blob,
    decision integer,
    receipt blob,
    created_at integer not null,
    answered_at integer,
    primary key (card, key_version, b)
) without rowid;
-- One open transaction a card; no order settles under two Bs.
create unique index one_open_authorization_a_card on authorization (card) where state = 0;
create unique index an_order_settles_once on authorization (order_id) where state = 1;
create index authorization_by_order on authorization (order_id);

-- What merchants are told, in the transaction that made it true.
create table event (
    seq integer primary key autoincrement,
    merchant integer not null,
    order_id blob not null,
    kind text not null,
    at integer not null
);
create index event_by_order on event (order_id, seq);

-- What the issuer is told.
create table alarm (
    seq integer primary key autoincrement,
    card integer,
    kind text not null,
    at integer not null
);

create table idempotency (
    merchant integer not null,
    endpoint text not null,
    key text not null,
    body_digest blob not null,
    status integer not null,
    body text not null,
    created_at integer not null,
    primary key (merchant, endpoint, key)
) without rowid;
create index idempotency_by_age on idempotency (created_at);
