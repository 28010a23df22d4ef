-- What many payments at once cost the server.

-- One look for all events of a statement, and not one each.
drop trigger event_goes_out on event;
drop function event_goes_out();
create function events_go_out() returns trigger language plpgsql as $$
begin
    insert into webhook_outbox (event)
    select fresh.seq from fresh where exists (
        select 1 from webhook_endpoint as endpoint
        where endpoint.merchant = fresh.merchant and endpoint.deleted_at is null and endpoint.disabled_at is null
    );
    return null;
end $$;
create trigger events_go_out after insert on event referencing new table as fresh
for each statement execute function events_go_out();

-- Room on a page for the next version of its rows, so that no index hears of it.
alter table link_state set (fillfactor = 60);
alter table account_base set (fillfactor = 60);
alter table transfer set (fillfactor = 80);
alter table orders set (fillfactor = 80);
alter table channel set (fillfactor = 80);
