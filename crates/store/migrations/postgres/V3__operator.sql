-- Operators of the console, their sessions, and the chain of audit entries.

create table console_operator (
    id bigint generated always as identity primary key,
    name text collate "C" not null unique,
    role text collate "C" not null,
    -- A PHC string.
    password text not null,
    totp_secret bytea not null,
    -- The last step whose code was used: none is used twice.
    totp_step bigint not null default 0,
    disabled_at bigint,
    created_at bigint not null
);
create trigger operator_is_kept before delete on console_operator
for each row execute function stays('an operator');
create function operator_name_stays() returns trigger language plpgsql as $$
begin raise exception 'an operator''s name is immutable' using errcode = 'integrity_constraint_violation'; end $$;
create trigger operator_name_stays before update on console_operator for each row
when (old.name <> new.name or old.id <> new.id) execute function operator_name_stays();

create table recovery_code (
    operator bigint not null references console_operator (id),
    digest bytea not null,
    used_at bigint,
    primary key (operator, digest)
);

create table operator_session (
    -- Of the token; the token itself is with the browser alone.
    digest bytea primary key,
    operator bigint not null references console_operator (id),
    stage text collate "C" not null,
    created_at bigint not null,
    seen_at bigint not null
);
create index operator_session_by_operator on operator_session (operator);
create index operator_session_by_age on operator_session (created_at);

create table audit_entry (
    seq bigint primary key,
    at bigint not null,
    operator text not null,
    address text not null,
    action text not null,
    subject text not null,
    outcome text not null,
    previous bytea not null unique,
    hash bytea not null unique
);
create trigger audit_entry_stays before update or delete on audit_entry
for each row execute function stays('an audit entry');
create trigger audit_entries_stay before truncate on audit_entry execute function stays('an audit entry');

-- Where the chain ends: one row. Two nodes that append at once meet here, and one of them runs again.
create table audit_head (
    id bigint primary key check (id = 1),
    seq bigint not null,
    hash bytea not null
);
insert into audit_head values (1, 0, decode(repeat('00', 32), 'hex'));
create function audit_head_goes_on() returns trigger language plpgsql as $$
begin raise exception 'the audit chain goes on by one' using errcode = 'integrity_constraint_violation'; end $$;
create trigger audit_head_goes_on before update on audit_head for each row
when (new.seq <> old.seq + 1 or new.id <> old.id) execute function audit_head_goes_on();
create trigger audit_head_is_kept before delete on audit_head
for each row execute function stays('the audit chain''s end');
