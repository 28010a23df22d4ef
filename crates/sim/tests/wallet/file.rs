//! A wallet card's file: whole, its owner's alone, one process at a time, and refused by name.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use sim::wallet::{WalletFile, WalletFileError};
use tap::card::{Blocking, LOG_RECORDS, Proof, ProofNumber, PurseType, WalletImage};
use tap::message::LogRecord;

use super::*;

/// A card with something in every field.
fn full() -> WalletImage {
    let mut image = image(1);
    image.profile.purse = PurseType::Deposit;
    image.profile.proof_number = ProofNumber::Before;
    image.profile.pin_for_load = true;
    image.profile.load_log = 0x18;
    let memory = &mut image.memory;
    let record = LogRecord {
        sequence: 9,
        overdraft: [1, 2, 3],
        amount: Fen(7),
        kind: 2,
        terminal: TERMINAL,
        when: when(0),
    };
    memory.loads = vec![record; LOG_RECORDS];
    memory.purchases = vec![record; LOG_RECORDS];
    let (code, tac) = (PurseCode([1; 4]), PurseCode([2; 4]));
    memory.load_proof = Some(Proof { before: 1, code, tac });
    memory.purchase_proof = Some(Proof { before: 2, code: tac, tac: code });
    memory.blocking = Blocking::Blocked;
    memory.holder_data = [0x20; 55];
    memory.wrong_load_codes = 1;
    memory.wrong_maintenance_codes = 2;
    memory.pin_tries_left = 1;
    memory.external_tries_left = 2;
    image
}

#[test]
fn a_file_keeps_everything_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lin.wallet");
    drop(WalletFile::create(&path, full()).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    // What a power cut left beside it is no harm.
    fs::write(folder.path().join("lin.wallet.new"), "{").unwrap();
    let mut file = WalletFile::open(&path).unwrap();
    let back = file.image().clone();
    assert_eq!(back.memory, full().memory);
    assert_eq!(back.profile, full().profile);
    assert_eq!((back.aid, back.file_id), (full().aid, full().file_id));
    assert!(back.keys.sets[0].load == full().keys.sets[0].load);
    assert!(back.keys.sets[0].purchase == full().keys.sets[0].purchase);
    assert!(back.keys.tac == full().keys.tac && back.keys.maintenance == full().keys.maintenance);
    file.store(&image(1)).unwrap();
    assert_eq!(WalletFile::peek(&path).unwrap().memory, image(1).memory);

    let used = WalletFile::open(&path).unwrap_err();
    assert!(matches!(used, WalletFileError::InUse { .. }));
    drop(file);
    let exists = WalletFile::create(&path, image(1)).unwrap_err();
    assert!(matches!(exists, WalletFileError::Exists { .. }));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let exposed = WalletFile::open(&path).unwrap_err();
    assert!(matches!(exposed, WalletFileError::Exposed { mode: 0o640, .. }));
    let missing = WalletFile::open(&folder.path().join("nobody.wallet")).unwrap_err();
    assert!(matches!(missing, WalletFileError::Missing { .. }));
}

#[test]
fn a_damaged_or_newer_file_is_refused_by_name_without_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lin.wallet");
    drop(WalletFile::create(&path, image(1)).unwrap());
    let good = fs::read_to_string(&path).unwrap();
    let key = hex::encode(image(1).keys.tac.expose_to_key_store());
    assert!(good.contains(&key));
    let refused = |text: &str| {
        fs::write(&path, text).unwrap();
        let refused = WalletFile::open(&path).unwrap_err();
        assert!(!refused.to_string().contains(&key) && refused.to_string().contains("lin.wallet"));
        // It is left as it is.
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        refused
    };
    for (from, to) in [
        ("\"balance\": 10000", "\"balance\": 90000"),
        ("\"online\": 7", "\"online\": 6"),
        (key.as_str(), "00000000000000000000000000000000"),
        (key.as_str(), "zz"),
        ("\"blocking\": \"open\"", "\"blocking\": \"ajar\""),
        ("\"pin\": \"", "\"nip\": \""),
        ("\"format\": 1", "\"format\": 0"),
        ("}", ""),
    ] {
        assert!(good.contains(from), "{from}");
        let damaged = refused(&good.replacen(from, to, 1));
        assert!(matches!(damaged, WalletFileError::Damaged { .. }), "{from}: {damaged}");
    }
    for cut in [0, 1, good.len() / 2, good.len() - 3] {
        assert!(matches!(refused(&good[..cut]), WalletFileError::Damaged { .. }));
    }
    assert!(matches!(refused(&"x".repeat(20_000)), WalletFileError::Damaged { .. }));
    let newer = good.replacen("\"format\": 1", "\"format\": 2,\n  \"colour\": \"red\"", 1);
    assert!(matches!(refused(&newer), WalletFileError::Newer { format: 2, .. }));
    fs::write(&path, good).unwrap();
    WalletFile::open(&path).unwrap();
}
