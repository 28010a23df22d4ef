-- Loads of wallet cards that two persons gave back.
create table load_reversal (
    id blob primary key,
    load blob not null references load (id),
    asn blob not null,
    amount integer not null check (amount > 0),
    reason text not null,
    ground text not null,
    -- What the card was said to hold, in fen; of a card that never took the load, nothing.
    held integer,
    asked_by integer not null references operator_name (id),
    asked_at integer not null,
    state text not null,
    decided_by integer references operator_name (id) check (state <> 'posted' or decided_by <> asked_by),
    transfer blob unique check ((state = 'posted') = (transfer is not null)),
    updated_at integer not null
) without rowid;
-- A load is asked for once at a time, and given back once for ever.
create unique index one_reversal_waits_a_load on load_reversal (load) where state = 'asked';
create unique index a_load_is_reversed_once on load_reversal (load) where state = 'posted';
create index load_reversal_waiting on load_reversal (id) where state = 'asked';
create index load_reversal_by_load on load_reversal (load, id);
create index load_reversal_by_card on load_reversal (asn) where state = 'posted';
create trigger reversal_stays before update on load_reversal when old.state <> 'asked'
begin select raise(abort, 'a reversal that has ended is immutable'); end;
create trigger reversal_is_kept before delete on load_reversal
begin select raise(abort, 'a reversal is not deleted'); end;
-- A card that is withdrawn stays so.
create trigger wallet_stays_withdrawn before update on wallet
when old.state = 'withdrawn' and new.state <> 'withdrawn'
begin select raise(abort, 'a wallet card that is withdrawn stays so'); end;
