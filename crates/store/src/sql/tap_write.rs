//! [`TapUnit`] over a session in a transaction.

use model::{Asn, Fen, OnlineCounter, TerminalId, UnixMillis};
use payment::{LoadId, LoadState};

use super::params;
use super::row::signed;
use super::write::{Changes, read_through};
use crate::error::StoreError;
use crate::rows::{
    BankCard, LoadAttempt, LoadCount, OutgoingSms, SmsCode, StoredLoad, StoredTerminal, TapAuthorization,
    Wallet, WorkingKey,
};
use crate::tap::{TapReading, TapUnit};

read_through! { TapReading:
    fn terminal(&self, id: TerminalId) -> Option<StoredTerminal>;
    fn terminals_after(&self, after: Option<TerminalId>, limit: u32) -> Vec<StoredTerminal>;
    fn working_key(&self, terminal: TerminalId, key_id: u32) -> Option<WorkingKey>;
    fn bank_card(&self, number: &str) -> Option<BankCard>;
    fn wallet(&self, asn: Asn) -> Option<Wallet>;
    fn wallets_after(&self, after: Option<Asn>, limit: u32) -> Vec<Wallet>;
    fn load(&self, id: LoadId) -> Option<StoredLoad>;
    fn load_of(&self, asn: Asn, counter: OnlineCounter) -> Option<StoredLoad>;
    fn unfinished_load(&self, asn: Asn) -> Option<StoredLoad>;
    fn loads_before(&self, state: Option<LoadState>, before: Option<LoadId>, limit: u32) -> Vec<StoredLoad>;
    fn loaded_since(&self, asn: Asn, since: UnixMillis) -> Fen;
    fn load_counts(&self) -> Vec<LoadCount>;
    fn unfinished_loads(&self) -> [u64; 2];
    fn attempts(&self, load: LoadId) -> Vec<LoadAttempt>;
    fn tap_authorization(&self, reference: [u8; 16]) -> Option<TapAuthorization>;
    fn sms_code(&self, reference: [u8; 16]) -> Option<SmsCode>;
    fn newest_sms_code(&self, asn: Asn) -> Option<SmsCode>;
    fn sms_codes_since(&self, asn: Asn, since: UnixMillis) -> u32;
    fn due_sms(&self, now: UnixMillis, limit: u32) -> Vec<OutgoingSms>;
    fn has_alarm_since(&self, kind: &str, subject: &str, since: UnixMillis) -> bool;
}

const BANK_CARD_IS_THERE: &str = "select 1 from bank_card where number = ?";

fn fen(amount: Option<Fen>) -> Option<u32> {
    amount.map(|amount| amount.0)
}

fn load_id(id: Option<LoadId>) -> Option<[u8; 16]> {
    id.map(|id| id.0.to_be_bytes())
}

impl TapUnit for Changes<'_> {
    fn add_terminal(&mut self, terminal: &StoredTerminal) -> Result<(), StoreError> {
        let sql = "insert into terminal (id, name, state, suite, master_version, activation_digest, \
                   activation_expires_at, activation_tries_left, key_id, mark_highest, mark_seen, heard_at, \
                   created_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let activation = terminal.activation.as_ref();
        self.execute(
            sql,
            params![
                terminal.id.0,
                terminal.name,
                terminal.state.name(),
                terminal.suite.number(),
                terminal.master_version,
                activation.map(|activation| activation.digest),
                activation.map(|activation| activation.expires_at.0),
                activation.map(|activation| activation.tries_left),
                terminal.key_id,
                signed(terminal.mark.highest),
                signed(terminal.mark.seen),
                terminal.heard_at.map(|at| at.0),
                terminal.created_at.0,
            ],
        )?;
        Ok(())
    }

    fn put_terminal(&mut self, terminal: &StoredTerminal) -> Result<(), StoreError> {
        let sql = "update terminal set name = ?2, state = ?3, suite = ?4, master_version = ?5, \
                   activation_digest = ?6, activation_expires_at = ?7, activation_tries_left = ?8, \
                   key_id = ?9, mark_highest = ?10, mark_seen = ?11, heard_at = ?12 \
                   where id = ?1 and master_version <= ?5 and key_id <= ?9";
        let activation = terminal.activation.as_ref();
        let params = params![
            terminal.id.0,
            terminal.name,
            terminal.state.name(),
            terminal.suite.number(),
            terminal.master_version,
            activation.map(|activation| activation.digest),
            activation.map(|activation| activation.expires_at.0),
            activation.map(|activation| activation.tries_left),
            terminal.key_id,
            signed(terminal.mark.highest),
            signed(terminal.mark.seen),
            terminal.heard_at.map(|at| at.0),
        ];
        self.change_one("terminal", sql, params)
    }

    fn add_working_key(&mut self, key: &WorkingKey) -> Result<(), StoreError> {
        let sql = "insert into working_key (terminal, key_id, issued_at, expires_at, mark_highest, mark_seen) \
                   values (?, ?, ?, ?, ?, ?)";
        let mark = (signed(key.mark.highest), signed(key.mark.seen));
        let params = params![key.terminal.0, key.key_id, key.issued_at.0, key.expires_at.0, mark.0, mark.1];
        self.execute(sql, params)?;
        Ok(())
    }

    fn put_working_key(&mut self, key: &WorkingKey) -> Result<(), StoreError> {
        let (highest, seen) = (signed(key.mark.highest), signed(key.mark.seen));
        let params = params![highest, seen, key.terminal.0, key.key_id, key.expires_at.0];
        // With every message the mark alone. To set the end, even to what it is, would write its index, too.
        let sql = "update working_key set mark_highest = ?1, mark_seen = ?2 \
                   where terminal = ?3 and key_id = ?4 and expires_at = ?5";
        if self.execute(sql, params)? == 1 {
            return Ok(());
        }
        let sql = "update working_key set mark_highest = ?1, mark_seen = ?2, expires_at = ?5 \
                   where terminal = ?3 and key_id = ?4 and expires_at > ?5";
        self.change_one("working_key", sql, params)
    }

    fn forget_working_keys_before(&mut self, before: UnixMillis, limit: u32) -> Result<u32, StoreError> {
        let sql = "delete from working_key where (terminal, key_id) in \
                   (select terminal, key_id from working_key where expires_at < ? limit ?)";
        self.forget(sql, before, limit)
    }

    fn add_bank_card(&mut self, card: &BankCard) -> Result<(), StoreError> {
        self.refers_to_holder(card.holder)?;
        let sql = "insert into bank_card (number, holder, phone, pin_reference, tries_left, frozen) \
                   values (?, ?, ?, ?, ?, ?)";
        self.execute(
            sql,
            params![
                card.number,
                signed(card.holder.0),
                card.phone,
                card.pin_reference.0,
                card.tries_left,
                card.frozen,
            ],
        )?;
        Ok(())
    }

    fn put_bank_card(&mut self, card: &BankCard) -> Result<(), StoreError> {
        let sql = "update bank_card set phone = ?, pin_reference = ?, tries_left = ?, frozen = ? \
                   where number = ?";
        let params = params![card.phone, card.pin_reference.0, card.tries_left, card.frozen, card.number];
        self.change_one("bank_card", sql, params)
    }

    fn add_wallet(&mut self, wallet: &Wallet) -> Result<(), StoreError> {
        self.refers_to("bank card", BANK_CARD_IS_THERE, [wallet.bank_card.as_str()])?;
        let sql = "insert into wallet (asn, industry, state, bank_card, counter, issued_at, activated_at) \
                   values (?, ?, ?, ?, ?, ?, ?)";
        self.execute(
            sql,
            params![
                wallet.asn.to_bytes(),
                wallet.industry.number(),
                wallet.state.name(),
                wallet.bank_card,
                wallet.counter.0,
                wallet.issued_at.0,
                wallet.activated_at.map(|at| at.0),
            ],
        )?;
        Ok(())
    }

    fn put_wallet(&mut self, wallet: &Wallet) -> Result<(), StoreError> {
        self.refers_to("bank card", BANK_CARD_IS_THERE, [wallet.bank_card.as_str()])?;
        let sql = "update wallet set state = ?2, bank_card = ?3, counter = ?4, activated_at = ?5 \
                   where asn = ?1 and counter <= ?4";
        let params = params![
            wallet.asn.to_bytes(),
            wallet.state.name(),
            wallet.bank_card,
            wallet.counter.0,
            wallet.activated_at.map(|at| at.0),
        ];
        self.change_one("wallet", sql, params)
    }

    fn add_load(&mut self, stored: &StoredLoad) -> Result<(), StoreError> {
        let sql = "insert into load (id, asn, counter, industry, amount, transfer, state, created_at, holder, \
                   authorization, terminal, updated_at, note, evidence, proven) \
                   values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let load = &stored.load;
        self.execute(
            sql,
            params![
                load.id.0.to_be_bytes(),
                load.asn.to_bytes(),
                load.counter.0,
                load.industry.number(),
                load.amount.0,
                load.transfer.0.to_be_bytes(),
                load.state.name(),
                load.created_at.0,
                signed(stored.holder.0),
                stored.authorization,
                stored.terminal.0,
                stored.updated_at.0,
                stored.note,
                stored.evidence,
                stored.proven,
            ],
        )?;
        Ok(())
    }

    fn put_load(&mut self, stored: &StoredLoad) -> Result<(), StoreError> {
        // The states are the last guard against ending twice, below every rule above it.
        let sql = "update load set state = ?, updated_at = ?, note = ?, evidence = ?, proven = ? \
                   where id = ? and asn = ? and state in ('open', 'in_doubt')";
        let load = &stored.load;
        let params = params![
            load.state.name(),
            stored.updated_at.0,
            stored.note,
            stored.evidence,
            stored.proven,
            load.id.0.to_be_bytes(),
            load.asn.to_bytes(),
        ];
        self.change_one("load", sql, params)
    }

    fn add_attempt(&mut self, attempt: &LoadAttempt) -> Result<(), StoreError> {
        let sql = "insert into load_attempt (load, number, terminal, random, balance, purse_time, mac2) \
                   values (?, ?, ?, ?, ?, ?, ?)";
        self.execute(
            sql,
            params![
                attempt.load.0.to_be_bytes(),
                attempt.number,
                attempt.terminal.0,
                attempt.random,
                attempt.balance.0,
                attempt.when.to_bytes(),
                attempt.mac2.0,
            ],
        )?;
        Ok(())
    }

    fn add_tap_authorization(&mut self, authorization: &TapAuthorization) -> Result<(), StoreError> {
        let sql = "insert into tap_authorization (reference, terminal, asn, kind, amount, expires_at, used_by) \
                   values (?, ?, ?, ?, ?, ?, ?)";
        self.execute(
            sql,
            params![
                authorization.reference,
                authorization.terminal.0,
                authorization.asn.to_bytes(),
                authorization.transaction,
                fen(authorization.amount),
                authorization.expires_at.0,
                load_id(authorization.used_by),
            ],
        )?;
        Ok(())
    }

    fn put_tap_authorization(&mut self, authorization: &TapAuthorization) -> Result<(), StoreError> {
        let sql = "update tap_authorization set used_by = ?1 \
                   where reference = ?2 and asn = ?3 and (used_by is null or used_by = ?1)";
        let asn = authorization.asn.to_bytes();
        let params = params![load_id(authorization.used_by), authorization.reference, asn];
        self.change_one("tap_authorization", sql, params)
    }

    fn forget_tap_authorizations_before(
        &mut self,
        before: UnixMillis,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let sql = "delete from tap_authorization where reference in \
                   (select reference from tap_authorization where expires_at < ? limit ?)";
        self.forget(sql, before, limit)
    }

    fn add_sms_code(&mut self, code: &SmsCode) -> Result<(), StoreError> {
        let sql = "insert into sms_code (reference, terminal, asn, kind, amount, digest, tries_left, state, \
                   created_at, expires_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        self.execute(
            sql,
            params![
                code.reference,
                code.terminal.0,
                code.asn.to_bytes(),
                code.transaction,
                fen(code.amount),
                code.digest,
                code.tries_left,
                code.state.name(),
                code.created_at.0,
                code.expires_at.0,
            ],
        )?;
        Ok(())
    }

    fn put_sms_code(&mut self, code: &SmsCode) -> Result<(), StoreError> {
        // A code is used once: what does not wait any more stays as it is.
        let sql = "update sms_code set tries_left = ?2, state = ?3 \
                   where reference = ?1 and asn = ?4 and state = 'waiting' and tries_left >= ?2";
        let params = params![code.reference, code.tries_left, code.state.name(), code.asn.to_bytes()];
        self.change_one("sms_code", sql, params)
    }

    fn forget_sms_codes_before(&mut self, before: UnixMillis, limit: u32) -> Result<u32, StoreError> {
        let sql = "delete from sms_code where reference in \
                   (select reference from sms_code where expires_at < ? limit ?)";
        self.forget(sql, before, limit)
    }

    fn add_sms(&mut self, sms: &OutgoingSms) -> Result<i64, StoreError> {
        let sql = "insert into outgoing_sms (phone, text, next_at, attempts, expires_at) \
                   values (?, ?, ?, ?, ?) returning id";
        let params = params![sms.phone, sms.text, sms.next_at.0, sms.attempts, sms.expires_at.0];
        self.insert("outgoing_sms", sql, params)
    }

    fn put_sms_attempt(&mut self, id: i64, next_at: UnixMillis, attempts: u32) -> Result<(), StoreError> {
        let sql = "update outgoing_sms set next_at = ?, attempts = ? where id = ?";
        self.change_one("outgoing_sms", sql, params![next_at.0, attempts, id])
    }

    fn take_sms_attempt(
        &mut self,
        sms: &OutgoingSms,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Result<bool, StoreError> {
        let sql = "update outgoing_sms set next_at = ? where id = ? and attempts = ? and next_at <= ?";
        Ok(self.execute(sql, params![until.0, sms.id, sms.attempts, now.0])? > 0)
    }

    fn delete_sms(&mut self, id: i64) -> Result<(), StoreError> {
        self.execute("delete from outgoing_sms where id = ?", [id])?;
        Ok(())
    }
}
