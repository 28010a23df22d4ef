//! The file: made, opened, refused by name, never half there.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;

use keystore::{Cost, Damage, EntropyFailed, Environment, KeyUse, Passphrase, SealedFile, SealedFileError};

use crate::{Desk, NOW, counting, li, name, open, passphrase};

#[test]
fn a_store_opens_with_what_was_put_into_it() {
    let desk = Desk::new();
    let again = open(&desk.path).unwrap();
    assert_eq!(again.keys(), desk.store.keys());
    assert_eq!(again.custodian_log(), desk.store.custodian_log());
    assert_eq!(again.environment(), Environment::Test);
    assert_eq!(fs::metadata(&desk.path).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn a_store_is_not_created_over_a_file() {
    let desk = Desk::new();
    let again =
        SealedFile::create(&desk.path, &passphrase(), Environment::Test, Cost::Testing, &mut counting(1));
    assert!(matches!(again, Err(SealedFileError::AlreadyThere { .. })));
    assert_eq!(open(&desk.path).unwrap().keys().len(), 2);
}

#[test]
fn without_randomness_no_store_is_created() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let created = SealedFile::create(&path, &passphrase(), Environment::Test, Cost::Testing, &mut |_| {
        Err(EntropyFailed)
    });
    assert!(matches!(created, Err(SealedFileError::Entropy(EntropyFailed))));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_missing_file_and_a_missing_folder_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = open(&folder.path().join("keys")).unwrap_err();
    assert!(matches!(missing, SealedFileError::Missing { .. }), "{missing}");
    let missing = open(&folder.path().join("no/keys")).unwrap_err();
    assert!(matches!(missing, SealedFileError::FolderMissing { .. }), "{missing}");
    let folder = open(folder.path()).unwrap_err();
    assert!(
        matches!(folder, SealedFileError::Exposed { .. } | SealedFileError::NotAKeyStore { .. }),
        "{folder}"
    );
}

#[test]
fn a_wrong_passphrase_is_no_damage() {
    let desk = Desk::new();
    let other = Passphrase::new("incorrect horse battery".into()).unwrap();
    let opened = SealedFile::open(&desk.path, &other, Environment::Test);
    assert!(matches!(opened, Err(SealedFileError::WrongPassphrase { .. })));
}

#[test]
fn test_and_production_never_mix() {
    let desk = Desk::new();
    let refused = SealedFile::open(&desk.path, &passphrase(), Environment::Production).unwrap_err();
    assert!(
        refused.to_string().ends_with("is a test key store and a production one is wanted; they never mix")
    );
    let path = desk.path.with_extension("production");
    let cheap =
        SealedFile::create(&path, &passphrase(), Environment::Production, Cost::Testing, &mut counting(1));
    assert!(matches!(cheap, Err(SealedFileError::CostTooLow)));
}

#[test]
fn whatever_byte_is_changed_is_named_and_nothing_opens() {
    let desk = Desk::new();
    let whole = fs::read(&desk.path).unwrap();
    for index in 0..whole.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[index] ^= mask;
            fs::write(&desk.path, &changed).unwrap();
            let error = open(&desk.path).unwrap_err();
            let as_it_should = match index {
                0..4 => matches!(error, SealedFileError::NotAKeyStore { .. }),
                // Version 1 becomes another; 0 there never was.
                4..6 => match u16::from_be_bytes([changed[4], changed[5]]) {
                    0 => matches!(error, SealedFileError::Damaged { damage: Damage::Header, .. }),
                    _ => matches!(error, SealedFileError::NewerFormat { known: 1, .. }),
                },
                6..76 => matches!(error, SealedFileError::Damaged { damage: Damage::Header, .. }),
                _ => matches!(error, SealedFileError::Damaged { damage: Damage::Body, .. }),
            };
            assert!(as_it_should, "byte {index} ^ {mask:#x}: {error}");
        }
    }
}

#[test]
fn a_file_cut_off_anywhere_is_named() {
    let desk = Desk::new();
    let whole = fs::read(&desk.path).unwrap();
    for length in 0..whole.len() {
        fs::write(&desk.path, &whole[..length]).unwrap();
        let error = open(&desk.path).unwrap_err();
        let cut = matches!(error, SealedFileError::Damaged { damage: Damage::Truncated, .. });
        assert!(cut, "{length} bytes: {error}");
    }
    fs::write(&desk.path, [&whole[..], &[0]].concat()).unwrap();
    let longer = open(&desk.path);
    assert!(matches!(longer, Err(SealedFileError::Damaged { damage: Damage::Trailing, .. })));
}

#[test]
fn a_newer_format_is_named_with_its_number() {
    let desk = Desk::new();
    let mut file = fs::read(&desk.path).unwrap();
    file[4..6].copy_from_slice(&7_u16.to_be_bytes());
    fs::write(&desk.path, file).unwrap();
    let error = open(&desk.path).unwrap_err();
    assert!(matches!(error, SealedFileError::NewerFormat { found: 7, known: 1, .. }));
    assert!(error.to_string().contains("has format 7, this version reads 1"), "{error}");
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    let desk = Desk::new();
    for mode in [0o644, 0o640, 0o604, 0o660, 0o610] {
        fs::set_permissions(&desk.path, fs::Permissions::from_mode(mode)).unwrap();
        let error = open(&desk.path).unwrap_err();
        assert!(matches!(error, SealedFileError::Exposed { .. }));
        assert!(error.to_string().contains(&format!("mode {mode:04o}")), "{error}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    fs::set_permissions(&desk.path, fs::Permissions::from_mode(0o400)).unwrap();
    open(&desk.path).unwrap();
}

#[test]
fn a_file_larger_than_any_store_is_not_read() {
    let desk = Desk::new();
    let file = fs::OpenOptions::new().write(true).open(&desk.path).unwrap();
    file.set_len(64 * 1024 * 1024 + 1).unwrap();
    assert!(matches!(open(&desk.path), Err(SealedFileError::TooLarge { .. })));
}

#[test]
fn what_a_killed_process_left_half_written_harms_nobody() {
    let desk = Desk::new();
    let new = desk.path.with_extension("new");
    let whole = fs::read(&desk.path).unwrap();
    fs::write(&new, &whole[..whole.len() / 2]).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o666)).unwrap();

    let store = open(&desk.path).unwrap();
    assert_eq!(store.keys().len(), 2);
    store.generate(name("issuer-2"), KeyUse::DeriveCardKeys, &li(), NOW, &mut counting(9)).unwrap();
    assert!(!new.exists());
    assert_eq!(open(&desk.path).unwrap().keys().len(), 3);
    assert_eq!(fs::metadata(&desk.path).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn a_change_puts_a_new_file_in_the_place_of_the_old_one_which_stays_whole() {
    let desk = Desk::new();
    let whole = fs::read(&desk.path).unwrap();
    let mut old = fs::File::open(&desk.path).unwrap();
    desk.store.generate(name("issuer-2"), KeyUse::DeriveCardKeys, &li(), NOW, &mut counting(9)).unwrap();
    let mut bytes = Vec::new();
    old.read_to_end(&mut bytes).unwrap();
    assert!(bytes == whole && fs::read(&desk.path).unwrap() != whole);
}

#[test]
fn a_change_of_an_exchanged_or_older_file_is_refused() {
    let desk = Desk::new();
    let older = fs::read(&desk.path).unwrap();
    let generate = |key: &str| {
        desk.store
            .generate(name(key), KeyUse::DeriveCardKeys, &li(), NOW, &mut counting(9))
            .map_err(|e| e.to_string())
    };
    generate("issuer-2").unwrap();
    fs::write(&desk.path, older).unwrap();
    assert!(generate("issuer-3").unwrap_err().contains("older copy of itself"));
    assert!(matches!(desk.store.refresh(), Err(SealedFileError::RolledBack { .. })));

    fs::remove_file(&desk.path).unwrap();
    let created =
        SealedFile::create(&desk.path, &passphrase(), Environment::Test, Cost::Testing, &mut counting(77));
    created.unwrap();
    assert!(generate("issuer-3").unwrap_err().contains("exchanged for another key store"));
    assert_eq!(desk.store.keys().len(), 3);
}

#[test]
fn a_link_to_the_file_stays_a_link() {
    let desk = Desk::new();
    let link = desk.path.with_extension("link");
    std::os::unix::fs::symlink(&desk.path, &link).unwrap();
    let store = open(&link).unwrap();
    store.generate(name("issuer-2"), KeyUse::DeriveCardKeys, &li(), NOW, &mut counting(9)).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(open(&desk.path).unwrap().keys().len(), 3);
}
