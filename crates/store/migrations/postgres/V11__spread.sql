-- Every table that grows has a key (`store::postgres::layout::KEYS`), a column of each unique rule on it, so that its rows can lie in hash partitions
-- or on servers by that key. A rule that has to hold across keys is a small table of its own, which has its own key. No row refers
-- to one of another key: what it names was looked up in the unit of work that made it.

alter table orders drop constraint orders_pkey;
alter table orders add primary key (id, card);
-- An order has one card.
drop index an_order_settles_once;
create unique index an_order_settles_once on "authorization" (card, order_id) where state = 1;

-- A card's number, and the channel that one open card has: by what is looked for.
create table card_number (
    number bigint primary key,
    card bigint not null
);
create table card_channel (
    channel bytea primary key,
    card bigint not null
);
insert into card_number select number, id from card;
insert into card_channel select channel, id from card where life_cycle <> 'closed';
alter table card drop constraint card_number_key;
drop index one_open_card_a_channel;
alter table card drop constraint card_bound_to_fkey;

-- Accounts go by their ids, and are found by their owner.
create table account_owner (
    kind text collate "C" not null,
    owner bigint not null,
    currency bigint not null,
    account bigint not null,
    primary key (owner, kind, currency)
);
insert into account_owner select kind, owner, currency, id from account_base;
alter table account_base drop constraint account_base_kind_owner_currency_key;

-- One index where there were two.
alter table account_part drop constraint account_part_pkey;
drop index account_part_by_account;
alter table account_part add primary key (account, seq);

-- A transfer moves money into or out of an account once.
alter table posting drop constraint posting_pkey;
alter table posting add primary key (transfer, account);

alter table place drop constraint place_pkey;
alter table place add primary key (id, merchant);

alter table refund drop constraint refund_pkey;
alter table refund add primary key (id, order_id);
alter table refund drop constraint refund_transfer_key;
alter table refund add unique (transfer, order_id);
-- Of each order one, and each with a transfer that was made for it: those are unique.
alter table payment_fee drop constraint payment_fee_transfer_key;

drop index one_settlement_a_number;
create unique index one_settlement_a_number on settlement (account, number, merchant);
alter table payout drop constraint payout_pkey;
alter table payout add primary key (transfer, merchant);

-- A device of a network, and the channel that it is.
create table channel_device (
    bearer text collate "C" not null,
    device text collate "C" not null,
    channel bytea not null,
    primary key (device, bearer)
);
insert into channel_device select bearer, device, id from channel where bearer is not null and device is not null;
drop index one_channel_a_device;

alter table frame drop constraint frame_pkey;
alter table frame add primary key (seq, channel);
alter table alert drop constraint alert_pkey;
alter table alert add primary key (id, channel);

-- An order has one card: it is asked by one downlink at a time.
alter table downlink drop constraint downlink_pkey;
alter table downlink add primary key (id, card);
drop index one_waiting_downlink_an_order;
create unique index one_waiting_downlink_an_order on downlink (order_id, card)
where state = 'queued' and order_id is not null;

alter table bank_card drop constraint bank_card_holder_fkey;
alter table wallet drop constraint wallet_bank_card_fkey;

alter table load_reversal drop constraint load_reversal_load_fkey;
alter table load_reversal drop constraint load_reversal_pkey;
alter table load_reversal drop constraint load_reversal_transfer_key;
alter table load drop constraint load_pkey;
alter table load add primary key (id, asn);
alter table load_reversal add primary key (id, asn);
alter table load_reversal add unique (transfer, asn);
alter table load_reversal add foreign key (load, asn) references load (id, asn);
drop index one_reversal_waits_a_load;
create unique index one_reversal_waits_a_load on load_reversal (load, asn) where state = 'asked';
drop index a_load_is_reversed_once;
create unique index a_load_is_reversed_once on load_reversal (load, asn) where state = 'posted';

alter table tap_authorization drop constraint tap_authorization_pkey;
alter table tap_authorization add primary key (reference, asn);
alter table sms_code drop constraint sms_code_pkey;
alter table sms_code add primary key (reference, asn);

alter table webhook_delivery drop constraint webhook_delivery_pkey;
alter table webhook_delivery add primary key (id, message);
