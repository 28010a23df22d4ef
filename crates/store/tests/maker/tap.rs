//! Wallet cards, terminals and loads as values to start from.

use crypto::{PinReference, PurseCode, TerminalSuite};
use model::{Asn, Fen, IndustryCode, OnlineCounter, PurseTime, TerminalId};
use payment::{Load, LoadId, LoadState, TransferId};
use store::{
    BankCard, LoadAttempt, OutgoingSms, SmsCode, SmsState, Store, StoreError, StoredLoad, StoredTerminal,
    TapAuthorization, TerminalState, Unit, Wallet, WalletState, WorkingKey,
};
use tap::SequenceMark;

use super::{MORNING, holder, kept};

/// Marks lie above what a signed integer can say: half of all do.
pub(crate) const HIGH: SequenceMark = SequenceMark { highest: u64::MAX - 5, seen: 1 << 63 | 5 };

pub(crate) fn terminal_id(n: u8) -> TerminalId {
    TerminalId([0xff, 0, 0, 0, 0, n])
}

/// A terminal that waits for its activation.
pub(crate) fn terminal(n: u8) -> StoredTerminal {
    StoredTerminal {
        id: terminal_id(n),
        name: format!("终端 {n}"),
        state: TerminalState::Registered,
        suite: TerminalSuite::Aes128Gcm,
        master_version: 1,
        activation: None,
        key_id: 0,
        mark: SequenceMark { highest: 0, seen: 0 },
        heard_at: None,
        created_at: MORNING,
    }
}

/// A working key of the terminal of the same number, good for a second.
pub(crate) fn working_key(n: u8, key_id: u32) -> WorkingKey {
    WorkingKey {
        terminal: terminal_id(n),
        key_id,
        issued_at: MORNING,
        expires_at: MORNING.plus(1_000),
        mark: SequenceMark { highest: 0, seen: 0 },
    }
}

/// A bank card of the holder of the same number.
pub(crate) fn bank_card(n: u8) -> BankCard {
    BankCard {
        number: format!("62220000{n:08}"),
        holder: holder(n.into()).reference,
        phone: format!("+86138{n:08}"),
        pin_reference: PinReference([n; 16]),
        tries_left: 3,
        frozen: false,
    }
}

pub(crate) fn asn(n: u8) -> Asn {
    format!("99999999999999999{n:03}").parse().unwrap()
}

pub(crate) fn industry(number: u16) -> IndustryCode {
    IndustryCode::new(number).unwrap()
}

/// A wallet card of the bank card of the same number.
pub(crate) fn wallet(n: u8) -> Wallet {
    Wallet {
        asn: asn(n),
        industry: industry(1),
        state: WalletState::Issued,
        bank_card: bank_card(n).number,
        counter: OnlineCounter(0),
        issued_at: MORNING,
        activated_at: None,
    }
}

/// An open load over a yuan, begun `millis` after the morning.
pub(crate) fn load(millis: i64, n: u8, counter: u16) -> StoredLoad {
    let created_at = MORNING.plus(millis);
    StoredLoad {
        load: Load {
            id: LoadId::from_time_and_random(created_at, u128::from(n) << 16 | u128::from(counter)),
            asn: asn(n),
            counter: OnlineCounter(counter),
            industry: industry(1),
            amount: Fen(100),
            transfer: TransferId(u128::MAX - u128::from(counter)),
            state: LoadState::Open,
            created_at,
        },
        holder: holder(n.into()).reference,
        authorization: [0xee; 16],
        terminal: terminal_id(1),
        updated_at: created_at,
        note: None,
        evidence: vec![],
        proven: None,
    }
}

pub(crate) fn in_state(mut load: StoredLoad, state: LoadState) -> StoredLoad {
    load.load.state = state;
    load
}

pub(crate) fn attempt(of: &StoredLoad, number: u16) -> LoadAttempt {
    LoadAttempt {
        load: of.load.id,
        number,
        terminal: terminal_id(1),
        random: [0xff, 0, 1, 2],
        balance: Fen(u32::MAX),
        when: PurseTime::at(MORNING),
        mac2: PurseCode([0xff, 0, 0xaa, 0x55]),
    }
}

/// An authorization that waits for a second after the morning.
pub(crate) fn authorization(n: u8) -> TapAuthorization {
    TapAuthorization {
        reference: [n; 16],
        terminal: terminal_id(1),
        asn: asn(1),
        transaction: 2,
        amount: Some(Fen(100)),
        expires_at: MORNING.plus(1_000),
        used_by: None,
    }
}

/// An SMS code drawn `millis` after the morning and good for a second.
pub(crate) fn sms_code(reference: u8, n: u8, millis: i64) -> SmsCode {
    SmsCode {
        reference: [reference; 16],
        terminal: terminal_id(1),
        asn: asn(n),
        transaction: 2,
        amount: Some(Fen(100)),
        digest: [0xd5; 32],
        tries_left: 3,
        state: SmsState::Waiting,
        created_at: MORNING.plus(millis),
        expires_at: MORNING.plus(millis + 1_000),
    }
}

/// An SMS that is due `millis` after the morning.
pub(crate) fn sms(text: &str, millis: i64) -> OutgoingSms {
    OutgoingSms {
        id: i64::MAX,
        phone: "+8613800000000".into(),
        text: text.into(),
        next_at: MORNING.plus(millis),
        attempts: 0,
        expires_at: MORNING.plus(1_000),
    }
}

/// Holder and bank card of a number, which a wallet card needs.
pub(crate) fn with_bank_card(unit: &mut dyn Unit, n: u8) -> Result<(), StoreError> {
    unit.put_holder(&holder(n.into()), MORNING)?;
    unit.add_bank_card(&bank_card(n))
}

pub(crate) async fn add_loads(store: &Store, loads: impl IntoIterator<Item = StoredLoad>) {
    let loads = Vec::from_iter(loads);
    kept(store, move |unit| loads.iter().try_for_each(|load| unit.add_load(load))).await;
}
