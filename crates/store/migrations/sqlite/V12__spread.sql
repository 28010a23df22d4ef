-- Where rows can lie in parts, a rule that holds across them is a table of its own. Here an index holds it, and what is looked up in
-- such a table is looked up in that.
create view card_number as select number, id as card from card;
create view card_channel as select channel, id as card from card where life_cycle <> 'closed';
create view account_owner as select kind, owner, currency, id as account from account;
create view channel_device as select bearer, device, id as channel from channel where device is not null;
