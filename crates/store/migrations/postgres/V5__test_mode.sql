-- The test mode's own: empty in a database of live money.

-- Its one row says that this database holds test data and no other.
create table test_clock (
    id bigint primary key check (id = 1),
    -- Milliseconds ahead of the machine's clock. It only rises.
    ahead bigint not null check (ahead >= 0),
    begun_at bigint not null
);

-- Software cards. Each is a card of the table `card` as well.
create table test_card (
    card bigint primary key,
    merchant bigint not null,
    name text collate "C" not null,
    -- What it does with its next questions: words with spaces between.
    answers text collate "C" not null,
    habit text collate "C" not null,
    funded bigint not null,
    memory bytea not null,
    -- What it is about.
    order_id bytea,
    answer text collate "C",
    done bigint not null,
    created_at bigint not null
);
create index test_card_by_merchant on test_card (merchant, card);
