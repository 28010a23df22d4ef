-- Loads of wallet cards that two persons gave back.
create table load_reversal (
    id bytea primary key,
    load bytea not null references load (id),
    asn bytea not null,
    amount bigint not null check (amount > 0),
    reason text collate "C" not null,
    ground text collate "C" not null,
    -- What the card was said to hold, in fen; of a card that never took the load, nothing.
    held bigint,
    asked_by bigint not null references operator_name (id),
    asked_at bigint not null,
    state text collate "C" not null,
    decided_by bigint references operator_name (id) check (state <> 'posted' or decided_by <> asked_by),
    transfer bytea unique check ((state = 'posted') = (transfer is not null)),
    updated_at bigint not null
);
-- A load is asked for once at a time, and given back once for ever.
create unique index one_reversal_waits_a_load on load_reversal (load) where state = 'asked';
create unique index a_load_is_reversed_once on load_reversal (load) where state = 'posted';
create index load_reversal_waiting on load_reversal (id) where state = 'asked';
create index load_reversal_by_load on load_reversal (load, id);
create index load_reversal_by_card on load_reversal (asn) where state = 'posted';
create trigger reversal_stays before update on load_reversal for each row
when (old.state <> 'asked') execute function stays('a reversal that has ended');
create trigger reversal_is_kept before delete on load_reversal
for each row execute function stays('a reversal');
-- A card that is withdrawn stays so.
create trigger wallet_stays_withdrawn before update on wallet for each row
when (old.state = 'withdrawn' and new.state <> 'withdrawn') execute function stays('a wallet card that is withdrawn');
