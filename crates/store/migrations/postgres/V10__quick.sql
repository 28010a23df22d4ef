-- Stand-in for what is made for speed.
alter table orders drop constraint orders_pkey;
alter table orders add primary key (card, id);
create index order_by_id on orders (id);
drop index an_order_settles_once;
create unique index an_order_settles_once on "authorization" (card, order_id) where state = 1;
