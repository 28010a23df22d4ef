-- Wallet cards at mobile terminals. Amounts are integer fen. A serial number (asn) is its 10 bytes of BCD, a
-- terminal's number 6 bytes; ids and references are 16 bytes. A sequence mark is two unsigned numbers of
-- 64 bits, stored as signed ones bit for bit.

create table terminal (
    id blob primary key,
    name text not null,
    state text not null,
    suite integer not null,
    master_version integer not null,
    activation_digest blob,
    activation_expires_at integer,
    activation_tries_left integer,
    key_id integer not null,
    mark_highest integer not null,
    mark_seen integer not null,
    heard_at integer,
    created_at integer not null
) without rowid;

create table working_key (
    terminal blob not null references terminal (id),
    key_id integer not null,
    issued_at integer not null,
    expires_at integer not null,
    mark_highest integer not null,
    mark_seen integer not null,
    primary key (terminal, key_id)
) without rowid;
create index working_key_by_end on working_key (expires_at);

create table bank_card (
    number text primary key,
    holder integer not null references holder (reference),
    phone text not null,
    pin_reference blob not null,
    tries_left integer not null,
    frozen integer not null
) without rowid;

create table wallet (
    asn blob primary key,
    industry integer not null,
    state text not null,
    bank_card text not null references bank_card (number),
    counter integer not null,
    issued_at integer not null,
    activated_at integer
) without rowid;

create table load (
    id blob primary key,
    asn blob not null,
    counter integer not null,
    industry integer not null,
    amount integer not null,
    transfer blob not null,
    state text not null,
    created_at integer not null,
    holder integer not null,
    authorization blob not null,
    terminal blob not null,
    updated_at integer not null,
    note text,
    evidence blob not null,
    proven integer,
    -- Itself, once it was given back to its holder: so that it stands in nobody's way.
    given_back blob not null generated always as (case state when 'settled_returned' then id else x'' end) virtual
) without rowid;
-- Serial number and counter name a load for ever: there is no second debit for one counter, unless the first was
-- given back: then the card stands where it stood, and may be loaded again. (Were this a rule of
-- the table, SQLite would not see that the index knows the ids, and read each load for its sum's time.)
create unique index one_load_a_counter on load (asn, counter, given_back);
create unique index one_unfinished_load_a_card on load (asn) where state in ('open', 'in_doubt');
-- Of those that closed by themselves, which are nearly all, a list walks the primary key.
create index load_by_state on load (state, id) where state <> 'closed';

-- Immutable: a TAC is checked against every attempt that ever left.
create table load_attempt (
    load blob not null,
    number integer not null,
    terminal blob not null,
    random blob not null,
    balance integer not null,
    purse_time blob not null,
    mac2 blob not null,
    primary key (load, number)
) without rowid;
create trigger load_attempt_stays before update on load_attempt
begin select raise(abort, 'an attempt is immutable'); end;
create trigger load_attempt_is_kept before delete on load_attempt
begin select raise(abort, 'an attempt is immutable'); end;

create table tap_authorization (
    reference blob primary key,
    terminal blob not null,
    asn blob not null,
    kind integer not null,
    amount integer,
    expires_at integer not null,
    used_by blob
) without rowid;
create index tap_authorization_by_end on tap_authorization (expires_at);

create table sms_code (
    reference blob primary key,
    terminal blob not null,
    asn blob not null,
    kind integer not null,
    amount integer,
    digest blob not null,
    tries_left integer not null,
    state text not null,
    created_at integer not null,
    expires_at integer not null
) without rowid;
create index sms_code_by_card on sms_code (asn, created_at);
create index sms_code_by_end on sms_code (expires_at);

-- An id is never given twice: whoever sends slowly must not strike out another message.
create table outgoing_sms (
    id integer primary key autoincrement,
    phone text not null,
    text text not null,
    next_at integer not null,
    attempts integer not null,
    expires_at integer not null
);
create index outgoing_sms_by_turn on outgoing_sms (next_at);

-- What an alarm is about when it is no card of the first rail: a serial number, a terminal's number.
alter table alarm add column subject text;
create index alarm_by_subject on alarm (subject, kind, at) where subject is not null;
