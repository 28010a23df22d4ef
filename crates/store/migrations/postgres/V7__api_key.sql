-- What a merchant's key is called, what it may, and when it was last used (to the minute).
alter table api_key add column name text collate "C" not null default '';
alter table api_key add column scope text collate "C" not null default 'all';
alter table api_key add column used_at bigint;
create index api_key_by_merchant on api_key (merchant);
