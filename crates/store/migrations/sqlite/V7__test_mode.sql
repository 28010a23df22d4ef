-- The test mode's own: empty in a database of live money.

-- Its one row says that this database holds test data and no other.
create table test_clock (
    id integer primary key check (id = 1),
    -- Milliseconds ahead of the machine's clock. It only rises.
    ahead integer not null check (ahead >= 0),
    begun_at integer not null
);

-- Software cards. Each is a card of the table `card` as well.
create table test_card (
    card integer primary key,
    merchant integer not null,
    name text not null,
    -- What it does with its next questions: words with spaces between.
    answers text not null,
    habit text not null,
    funded integer not null,
    memory blob not null,
    -- What it is about.
    order_id blob,
    answer text,
    done integer not null,
    created_at integer not null
);
create index test_card_by_merchant on test_card (merchant, card);
