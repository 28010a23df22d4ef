-- Money that comes back and goes out: refunds, fees, settlements, banks' files, adjustments by two persons.
-- A day is a number: 20261121. Ids of 128 bits are 16-byte blobs, time first.

-- A statement reads one account's day, and never the whole of the postings.
create index posting_by_account on posting (account, at);

-- What a transfer belongs to: a payment to its order. New ones say so when they are made.
update transfer set linked = o.id from orders o where o.reservation = transfer.id and transfer.linked is null;

create table refund (
    id blob primary key,
    order_id blob not null,
    merchant integer not null,
    currency integer not null,
    amount integer not null check (amount > 0),
    -- What had been given back of the order before: each rest is given once.
    refunded_before integer not null check (refunded_before >= 0),
    transfer blob not null unique,
    fee_back integer not null default 0 check (fee_back >= 0),
    fee_transfer blob,
    reference text,
    created_at integer not null
) without rowid;
create index refund_by_order on refund (order_id, id);
create unique index a_rest_is_refunded_once on refund (order_id, refunded_before);
create trigger refund_stays before update on refund
begin select raise(abort, 'a refund is immutable'); end;
create trigger refund_is_kept before delete on refund
begin select raise(abort, 'a refund is immutable'); end;

-- What the platform keeps of a merchant's payments. No row: nothing.
create table fee_rule (
    merchant integer not null references merchant (id),
    currency integer not null,
    basis_points integer not null,
    fixed integer not null,
    minimum integer not null,
    maximum integer,
    on_refund text not null,
    set_at integer not null,
    primary key (merchant, currency)
) without rowid;

-- What was kept of a payment, and what its rule said of refunds at that time.
create table payment_fee (
    order_id blob primary key,
    currency integer not null,
    amount integer not null check (amount > 0),
    on_refund text not null,
    transfer blob not null unique,
    created_at integer not null
) without rowid;

-- A day of a merchant's account that was closed: opening and closing stay; its entries are the postings of that time.
create table settlement (
    merchant integer not null,
    day integer not null,
    currency integer not null,
    account integer not null,
    number integer not null check (number > 0),
    from_at integer not null,
    to_at integer not null,
    offset_seconds integer not null,
    opening integer not null,
    closing integer not null,
    entries integer not null,
    made_at integer not null,
    primary key (merchant, day, currency)
) without rowid;
create unique index one_settlement_a_number on settlement (account, number);
create trigger settlement_stays before update on settlement
begin select raise(abort, 'a settlement is immutable'); end;
create trigger settlement_is_kept before delete on settlement
begin select raise(abort, 'a settlement is immutable'); end;

create table payout (
    transfer blob primary key,
    merchant integer not null,
    currency integer not null,
    amount integer not null check (amount > 0),
    created_at integer not null
) without rowid;
create index payout_by_merchant on payout (merchant, transfer);

-- A bank's file that was taken: by its bytes, once.
create table bank_file (
    id integer primary key,
    digest blob not null unique,
    name text not null,
    form text not null,
    first_day integer not null,
    last_day integer not null,
    entries integer not null,
    matched integer not null,
    imported_at integer not null
);

create table bank_entry (
    file integer not null references bank_file (id),
    number integer not null,
    line integer not null,
    currency integer not null,
    units integer not null,
    booked integer not null,
    bank_reference text,
    reference text,
    text text not null,
    -- Ours that it is, and how it was found.
    transfer blob,
    found_by text,
    primary key (file, number)
) without rowid;
create unique index one_entry_a_transfer on bank_entry (transfer) where transfer is not null;
create index bank_entry_by_reference on bank_entry (bank_reference, units, booked) where bank_reference is not null;

create table difference (
    id integer primary key,
    kind text not null,
    file integer not null references bank_file (id),
    entry integer,
    transfer blob,
    currency integer not null,
    ours integer,
    theirs integer,
    day integer not null,
    found_at integer not null,
    resolution text,
    reason text,
    resolved_by integer,
    resolved_at integer
);
create index difference_open on difference (id) where resolution is null;
create index difference_by_transfer on difference (transfer) where transfer is not null;

-- Who works at the platform, by name, until there are accounts.
create table operator_name (
    id integer primary key,
    name text not null unique
);

create table adjustment (
    id blob primary key,
    proposed_by integer not null references operator_name (id),
    proposed_at integer not null,
    reason text not null,
    from_account integer not null,
    to_account integer not null,
    currency integer not null,
    amount integer not null check (amount > 0),
    state text not null,
    decided_by integer references operator_name (id) check (state not in ('approved', 'posted') or decided_by <> proposed_by),
    transfer blob unique,
    updated_at integer not null
) without rowid;
create index adjustment_waiting on adjustment (id) where state in ('proposed', 'approved');
