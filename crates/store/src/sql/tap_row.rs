//! Rows of wallet cards and terminals to values and back.

use crypto::{PinReference, PurseCode, TerminalSuite};
use model::{Asn, Fen, HolderReference, IndustryCode, OnlineCounter, PurseTime, TerminalId, UnixMillis};
use payment::{Load, LoadId, LoadState, TransferId};
use tap::SequenceMark;

use super::Row;
use super::row::{Column, Read, col, id_bytes, malformed, small, unsigned};
use crate::error::StoreError;
use crate::rows::{
    Activation, BankCard, LoadAttempt, OutgoingSms, SmsCode, SmsState, StoredLoad, StoredTerminal,
    TapAuthorization, TerminalState, Wallet, WalletState, WorkingKey,
};

fn asn(row: &Row<'_>, column: Column) -> Read<Asn> {
    Asn::new(column.get(row)?).map_err(malformed(column.name))
}

fn terminal_id(row: &Row<'_>, column: Column) -> Read<TerminalId> {
    Ok(TerminalId(column.get(row)?))
}

fn fen(row: &Row<'_>, column: Column) -> Read<Fen> {
    Ok(Fen(small(row, column)?))
}

fn fen_if_any(row: &Row<'_>, column: Column) -> Read<Option<Fen>> {
    Ok(match column.get::<Option<i64>>(row)? {
        Some(_) => Some(fen(row, column)?),
        None => None,
    })
}

fn industry(row: &Row<'_>, column: Column) -> Read<IndustryCode> {
    IndustryCode::new(small(row, column)?).map_err(malformed(column.name))
}

fn holder(row: &Row<'_>, column: Column) -> Read<HolderReference> {
    Ok(HolderReference(unsigned(row, column)?))
}

fn at(row: &Row<'_>, column: Column) -> Read<UnixMillis> {
    Ok(UnixMillis(column.get(row)?))
}

fn at_if_ever(row: &Row<'_>, column: Column) -> Read<Option<UnixMillis>> {
    Ok(column.get::<Option<i64>>(row)?.map(UnixMillis))
}

fn mark(row: &Row<'_>, highest: Column, seen: Column) -> Read<SequenceMark> {
    Ok(SequenceMark { highest: unsigned(row, highest)?, seen: unsigned(row, seen)? })
}

/// The value of a state's word; `what` names it in errors, for every table has a `state`.
fn state<T>(row: &Row<'_>, column: Column, of: fn(&str) -> Option<T>, what: &'static str) -> Read<T> {
    of(&column.get::<String>(row)?).ok_or(StoreError::Malformed(what))
}

pub(super) const TERMINAL: &str = "id, name, state, suite, master_version, activation_digest, \
     activation_expires_at, activation_tries_left, key_id, mark_highest, mark_seen, heard_at, created_at";

pub(super) fn terminal(row: &Row<'_>) -> Read<StoredTerminal> {
    let activation = match col!(TERMINAL, "activation_digest").get(row)? {
        Some(digest) => Some(Activation {
            digest,
            expires_at: at(row, col!(TERMINAL, "activation_expires_at"))?,
            tries_left: small(row, col!(TERMINAL, "activation_tries_left"))?,
        }),
        None => None,
    };
    Ok(StoredTerminal {
        id: terminal_id(row, col!(TERMINAL, "id"))?,
        name: col!(TERMINAL, "name").get(row)?,
        state: state(row, col!(TERMINAL, "state"), TerminalState::from_name, "terminal.state")?,
        suite: TerminalSuite::from_number(small(row, col!(TERMINAL, "suite"))?)
            .ok_or(StoreError::Malformed("terminal.suite"))?,
        master_version: small(row, col!(TERMINAL, "master_version"))?,
        activation,
        key_id: small(row, col!(TERMINAL, "key_id"))?,
        mark: mark(row, col!(TERMINAL, "mark_highest"), col!(TERMINAL, "mark_seen"))?,
        heard_at: at_if_ever(row, col!(TERMINAL, "heard_at"))?,
        created_at: at(row, col!(TERMINAL, "created_at"))?,
    })
}

pub(super) const WORKING_KEY: &str = "terminal, key_id, issued_at, expires_at, mark_highest, mark_seen";

pub(super) fn working_key(row: &Row<'_>) -> Read<WorkingKey> {
    Ok(WorkingKey {
        terminal: terminal_id(row, col!(WORKING_KEY, "terminal"))?,
        key_id: small(row, col!(WORKING_KEY, "key_id"))?,
        issued_at: at(row, col!(WORKING_KEY, "issued_at"))?,
        expires_at: at(row, col!(WORKING_KEY, "expires_at"))?,
        mark: mark(row, col!(WORKING_KEY, "mark_highest"), col!(WORKING_KEY, "mark_seen"))?,
    })
}

pub(super) const BANK_CARD: &str = "number, holder, phone, pin_reference, tries_left, frozen";

pub(super) fn bank_card(row: &Row<'_>) -> Read<BankCard> {
    Ok(BankCard {
        number: col!(BANK_CARD, "number").get(row)?,
        holder: holder(row, col!(BANK_CARD, "holder"))?,
        phone: col!(BANK_CARD, "phone").get(row)?,
        pin_reference: PinReference(col!(BANK_CARD, "pin_reference").get(row)?),
        tries_left: small(row, col!(BANK_CARD, "tries_left"))?,
        frozen: col!(BANK_CARD, "frozen").get(row)?,
    })
}

pub(super) const WALLET: &str = "asn, industry, state, bank_card, counter, issued_at, activated_at";

pub(super) fn wallet(row: &Row<'_>) -> Read<Wallet> {
    Ok(Wallet {
        asn: asn(row, col!(WALLET, "asn"))?,
        industry: industry(row, col!(WALLET, "industry"))?,
        state: state(row, col!(WALLET, "state"), WalletState::from_name, "wallet.state")?,
        bank_card: col!(WALLET, "bank_card").get(row)?,
        counter: OnlineCounter(small(row, col!(WALLET, "counter"))?),
        issued_at: at(row, col!(WALLET, "issued_at"))?,
        activated_at: at_if_ever(row, col!(WALLET, "activated_at"))?,
    })
}

pub(super) const LOAD: &str = "id, asn, counter, industry, amount, transfer, state, created_at, holder, \
     authorization, terminal, updated_at, note, evidence, proven";

pub(super) fn load(row: &Row<'_>) -> Read<StoredLoad> {
    Ok(StoredLoad {
        load: Load {
            id: LoadId(id_bytes(row, col!(LOAD, "id"))?),
            asn: asn(row, col!(LOAD, "asn"))?,
            counter: OnlineCounter(small(row, col!(LOAD, "counter"))?),
            industry: industry(row, col!(LOAD, "industry"))?,
            amount: fen(row, col!(LOAD, "amount"))?,
            transfer: TransferId(id_bytes(row, col!(LOAD, "transfer"))?),
            state: load_state(row, col!(LOAD, "state"))?,
            created_at: at(row, col!(LOAD, "created_at"))?,
        },
        holder: holder(row, col!(LOAD, "holder"))?,
        authorization: col!(LOAD, "authorization").get(row)?,
        terminal: terminal_id(row, col!(LOAD, "terminal"))?,
        updated_at: at(row, col!(LOAD, "updated_at"))?,
        note: col!(LOAD, "note").get(row)?,
        evidence: col!(LOAD, "evidence").get(row)?,
        proven: col!(LOAD, "proven").get(row)?,
    })
}

pub(super) fn load_state(row: &Row<'_>, column: Column) -> Read<LoadState> {
    state(row, column, LoadState::from_name, "load.state")
}

pub(super) const ATTEMPT: &str = "load, number, terminal, random, balance, purse_time, mac2";

pub(super) fn attempt(row: &Row<'_>) -> Read<LoadAttempt> {
    Ok(LoadAttempt {
        load: LoadId(id_bytes(row, col!(ATTEMPT, "load"))?),
        number: small(row, col!(ATTEMPT, "number"))?,
        terminal: terminal_id(row, col!(ATTEMPT, "terminal"))?,
        random: col!(ATTEMPT, "random").get(row)?,
        balance: fen(row, col!(ATTEMPT, "balance"))?,
        when: PurseTime::from_bytes(col!(ATTEMPT, "purse_time").get(row)?),
        mac2: PurseCode(col!(ATTEMPT, "mac2").get(row)?),
    })
}

pub(super) const AUTHORIZATION: &str = "reference, terminal, asn, kind, amount, expires_at, used_by";

pub(super) fn authorization(row: &Row<'_>) -> Read<TapAuthorization> {
    Ok(TapAuthorization {
        reference: col!(AUTHORIZATION, "reference").get(row)?,
        terminal: terminal_id(row, col!(AUTHORIZATION, "terminal"))?,
        asn: asn(row, col!(AUTHORIZATION, "asn"))?,
        transaction: small(row, col!(AUTHORIZATION, "kind"))?,
        amount: fen_if_any(row, col!(AUTHORIZATION, "amount"))?,
        expires_at: at(row, col!(AUTHORIZATION, "expires_at"))?,
        used_by: col!(AUTHORIZATION, "used_by")
            .get::<Option<[u8; 16]>>(row)?
            .map(|id| LoadId(u128::from_be_bytes(id))),
    })
}

pub(super) const SMS_CODE: &str =
    "reference, terminal, asn, kind, amount, digest, tries_left, state, created_at, expires_at";

pub(super) fn sms_code(row: &Row<'_>) -> Read<SmsCode> {
    Ok(SmsCode {
        reference: col!(SMS_CODE, "reference").get(row)?,
        terminal: terminal_id(row, col!(SMS_CODE, "terminal"))?,
        asn: asn(row, col!(SMS_CODE, "asn"))?,
        transaction: small(row, col!(SMS_CODE, "kind"))?,
        amount: fen_if_any(row, col!(SMS_CODE, "amount"))?,
        digest: col!(SMS_CODE, "digest").get(row)?,
        tries_left: small(row, col!(SMS_CODE, "tries_left"))?,
        state: state(row, col!(SMS_CODE, "state"), SmsState::from_name, "sms_code.state")?,
        created_at: at(row, col!(SMS_CODE, "created_at"))?,
        expires_at: at(row, col!(SMS_CODE, "expires_at"))?,
    })
}

pub(super) const OUTGOING_SMS: &str = "id, phone, text, next_at, attempts, expires_at";

pub(super) fn outgoing_sms(row: &Row<'_>) -> Read<OutgoingSms> {
    Ok(OutgoingSms {
        id: col!(OUTGOING_SMS, "id").get(row)?,
        phone: col!(OUTGOING_SMS, "phone").get(row)?,
        text: col!(OUTGOING_SMS, "text").get(row)?,
        next_at: at(row, col!(OUTGOING_SMS, "next_at"))?,
        attempts: small(row, col!(OUTGOING_SMS, "attempts"))?,
        expires_at: at(row, col!(OUTGOING_SMS, "expires_at"))?,
    })
}
