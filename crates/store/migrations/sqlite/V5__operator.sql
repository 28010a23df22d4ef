-- Operators of the console, their sessions, and the chain of audit entries.

create table console_operator (
    id integer primary key,
    name text not null unique,
    role text not null,
    -- A PHC string.
    password text not null,
    totp_secret blob not null,
    -- The last step whose code was used: none is used twice.
    totp_step integer not null default 0,
    disabled_at integer,
    created_at integer not null
);
create trigger operator_is_kept before delete on console_operator
begin select raise(abort, 'an operator is disabled, not deleted'); end;
create trigger operator_name_stays before update of id, name on console_operator
when old.name <> new.name or old.id <> new.id
begin select raise(abort, 'an operator''s name is immutable'); end;

create table recovery_code (
    operator integer not null references console_operator (id),
    digest blob not null,
    used_at integer,
    primary key (operator, digest)
) without rowid;

create table operator_session (
    -- Of the token; the token itself is with the browser alone.
    digest blob primary key,
    operator integer not null references console_operator (id),
    stage text not null,
    created_at integer not null,
    seen_at integer not null
) without rowid;
create index operator_session_by_operator on operator_session (operator);
create index operator_session_by_age on operator_session (created_at);

create table audit_entry (
    seq integer primary key,
    at integer not null,
    operator text not null,
    address text not null,
    action text not null,
    subject text not null,
    outcome text not null,
    previous blob not null unique,
    hash blob not null unique
);
create trigger audit_entry_stays before update on audit_entry
begin select raise(abort, 'an audit entry is immutable'); end;
create trigger audit_entry_is_kept before delete on audit_entry
begin select raise(abort, 'an audit entry is immutable'); end;

-- Where the chain ends: one row. Two who append at once meet here.
create table audit_head (
    id integer primary key check (id = 1),
    seq integer not null,
    hash blob not null
);
insert into audit_head values (1, 0, zeroblob(32));
create trigger audit_head_goes_on before update on audit_head
when new.seq <> old.seq + 1 or new.id <> old.id
begin select raise(abort, 'the audit chain goes on by one'); end;
create trigger audit_head_is_kept before delete on audit_head
begin select raise(abort, 'the audit chain has an end'); end;
