-- The fleet: channels as operators register them and networks hear them, what waits for cards, and what was heard.
-- A channel is its 9 bytes; ids of downlinks are 16 bytes, time first.

create table channel_group (
    id integer primary key,
    name text not null unique
);

create table channel (
    id blob primary key,
    name text,
    group_id integer references channel_group (id),
    -- The bearer that it is expected on, the application (or product) there, and its name there.
    bearer text,
    application text,
    device text,
    -- -1 never, 0 always, else seconds after an uplink; null: as its card says.
    listening integer,
    silent_seconds integer,
    registered_at integer not null,
    presence integer not null default 0,
    heard_at integer,
    heard_by text,
    rssi integer,
    snr integer,
    data_rate integer,
    battery integer,
    firmware integer,
    -- When to look whether it has fallen silent: not moved by each frame, only when it is looked at.
    look_at integer
) without rowid;
create index channel_by_presence on channel (presence, id);
create index channel_by_group on channel (group_id, id) where group_id is not null;
create index channel_by_group_and_presence on channel (group_id, presence, id) where group_id is not null;
create index channel_by_name on channel (name, id) where name is not null;
create unique index one_channel_a_device on channel (bearer, device) where device is not null;
create index channel_to_look_at on channel (look_at) where look_at is not null;

create table channel_tag (
    tag text not null,
    channel blob not null,
    primary key (tag, channel)
) without rowid;
create index channel_tag_by_channel on channel_tag (channel, tag);

-- How many channels stand how, group by group (0: none): kept with each change, so that a page never counts a million.
create table channel_tally (
    group_id integer not null,
    presence integer not null,
    channels integer not null,
    primary key (group_id, presence)
) without rowid;
create trigger channel_is_counted after insert on channel
begin
    insert into channel_tally values (coalesce(new.group_id, 0), new.presence, 1)
    on conflict do update set channels = channels + 1;
end;
create trigger channel_is_counted_anew after update of group_id, presence on channel
when old.group_id is not new.group_id or old.presence <> new.presence
begin
    update channel_tally set channels = channels - 1
    where group_id = coalesce(old.group_id, 0) and presence = old.presence;
    insert into channel_tally values (coalesce(new.group_id, 0), new.presence, 1)
    on conflict do update set channels = channels + 1;
end;
create trigger channel_is_counted_off after delete on channel
begin
    update channel_tally set channels = channels - 1
    where group_id = coalesce(old.group_id, 0) and presence = old.presence;
end;

-- Every card that was issued before has its channel. A card says when it was made in seconds since 2020.
insert into channel (id, registered_at, presence, heard_at, battery, firmware, look_at)
select card.channel, (card.made_at + 1577836800) * 1000,
    case when link_state.heard_at is null then 0 else 1 end, link_state.heard_at, link_state.battery,
    link_state.firmware, link_state.heard_at
from card left join link_state on link_state.card = card.id
where card.life_cycle <> 'closed';

create table downlink (
    id blob primary key,
    card integer not null,
    channel blob not null,
    order_id blob,
    priority integer not null,
    -- Empty: it is made when the card is heard.
    frame blob not null,
    address text,
    state text not null,
    reason text,
    network_id text,
    created_at integer not null,
    expires_at integer not null,
    updated_at integer not null
) without rowid;
create index downlink_waiting on downlink (channel, priority, id) where state = 'queued';
create index downlink_to_hand on downlink (priority, id) where state = 'queued' and address is not null;
create index downlink_expiring on downlink (expires_at) where state in ('queued', 'handed');
create index downlink_by_channel on downlink (channel, id);
create index downlink_by_network on downlink (network_id) where network_id is not null;
create index downlink_queue on downlink (id) where state in ('queued', 'handed');
-- An order is asked by one downlink at a time.
create unique index one_waiting_downlink_an_order on downlink (order_id)
where state = 'queued' and order_id is not null;

-- Frames as they came and went, until they are forgotten by age or number.
create table frame (
    seq integer primary key autoincrement,
    channel blob not null,
    at integer not null,
    bearer text not null,
    upward integer not null,
    bytes blob not null,
    answer blob not null,
    downlink blob,
    outcome text not null,
    rssi integer,
    snr integer,
    data_rate integer,
    battery integer
);
create index frame_by_channel on frame (channel, seq);

create table alert (
    id integer primary key autoincrement,
    channel blob not null,
    kind integer not null,
    detail text,
    raised_at integer not null,
    cleared_at integer
);
create unique index one_open_alert_a_kind on alert (channel, kind) where cleared_at is null;
create index alert_open on alert (id) where cleared_at is null;
create index alert_by_channel on alert (channel, id);
create index alert_by_end on alert (cleared_at) where cleared_at is not null;

-- How far the import of a file has come; a file is named by its digest.
create table channel_import (
    digest blob primary key,
    lines integer not null,
    added integer not null,
    changed integer not null,
    same integer not null,
    refused integer not null,
    updated_at integer not null
) without rowid;
