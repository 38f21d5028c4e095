use std::fs::{self, Permissions};

use super::*;

fn place(key: &str) -> Place<'_> {
    Place { kind: Kind::SipUser, account: &AccountId::DEFAULT, key }
}

fn document(text: &str) -> Document {
    Document::from_bytes(Zeroizing::new(text.as_bytes().to_vec()))
}

fn keyring() -> (tempfile::TempDir, Keyring) {
    let dir = tempfile::tempdir().unwrap();
    let keyring = Keyring::load_or_create(&dir.path().join("data/seal.key")).unwrap();
    (dir, keyring)
}

#[test]
fn a_sealed_document_opens_where_it_was_sealed() {
    let (_dir, keyring) = keyring();
    let (key, sealed) = keyring.seal(&place("a"), &document("{\"secret\":1}"));

    assert_eq!(key, keyring.current());
    assert_eq!(keyring.open(&place("a"), key, &sealed).unwrap().as_bytes(), b"{\"secret\":1}");
    assert!(!sealed.windows(6).any(|it| it == b"secret"));
}

#[test]
fn sealing_twice_gives_two_texts() {
    let (_dir, keyring) = keyring();
    let seal = || keyring.seal(&place("a"), &document("{}")).1;
    assert_ne!(seal(), seal());
}

#[test]
fn a_document_that_was_moved_changed_or_cut_does_not_open() {
    let (_dir, keyring) = keyring();
    let (key, sealed) = keyring.seal(&place("a"), &document("{}"));

    let moved = keyring.open(&place("b"), key, &sealed);
    assert!(matches!(moved, Err(SealError::Forged { .. })), "{moved:?}");
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(keyring.open(&place("a"), key, &changed).is_err(), "bit 0 of byte {at}");
        assert!(keyring.open(&place("a"), key, &sealed[..at]).is_err(), "cut to {at} bytes");
    }
}

#[test]
fn a_key_file_reads_back_the_same_keys() {
    let (_dir, keyring) = keyring();
    let (key, sealed) = keyring.seal(&place("a"), &document("{}"));

    let again = Keyring::load_or_create(keyring.path()).unwrap();

    assert_eq!(again.current(), key);
    assert!(again.open(&place("a"), key, &sealed).is_ok());
}

#[test]
fn an_added_key_seals_and_the_ones_before_still_open() {
    let (_dir, keyring) = keyring();
    let (old, sealed) = keyring.seal(&place("a"), &document("{}"));

    let new = keyring.add().unwrap();

    assert_ne!(new, old);
    for ring in [keyring.clone(), Keyring::load_or_create(keyring.path()).unwrap()] {
        assert_eq!(ring.current(), new);
        assert!(ring.open(&place("a"), old, &sealed).is_ok());
    }
}

#[test]
fn an_unknown_key_is_named_with_the_file_that_lacks_it() {
    let (_dir, keyring) = keyring();
    let unknown = KeyId(0x0123_abcd);
    assert!(unknown != keyring.current());

    let error = keyring.open(&place("a"), unknown, &[0; 40]).unwrap_err();

    let text = error.to_string();
    assert!(text.contains("0123abcd") && text.contains("seal.key"), "{text}");
    assert!(text.contains("restore the seal key file"), "{text}");
}

#[test]
fn a_key_file_that_others_can_read_is_refused_with_the_remedy() {
    let (_dir, keyring) = keyring();
    for mode in [0o640, 0o604, 0o620, 0o777] {
        fs::set_permissions(keyring.path(), Permissions::from_mode(mode)).unwrap();

        let error = Keyring::load_or_create(keyring.path()).unwrap_err();

        assert!(matches!(error, SealError::TooOpen { .. }), "{error:?}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    fs::set_permissions(keyring.path(), Permissions::from_mode(0o400)).unwrap();
    assert!(Keyring::load_or_create(keyring.path()).is_ok(), "read-only is private enough");
}

#[test]
fn a_key_file_that_is_none_is_refused_by_line_and_never_replaced() {
    let (_dir, keyring) = keyring();
    let good = fs::read_to_string(keyring.path()).unwrap();
    let key_line = good.lines().last().unwrap();
    for (content, line) in [
        (String::new(), 1),
        ("# nothing\n".into(), 2),
        ("deadbeef\n".into(), 1),
        (format!("{key_line}0\n"), 1),
        (format!("00000000 {}\n", "1".repeat(64)), 1),
        (format!("{key_line}\n\n{key_line}\n"), 3),
        (format!("{}é\n", &key_line[..key_line.len() - 2]), 1),
    ] {
        fs::write(keyring.path(), &content).unwrap();

        let error = Keyring::load_or_create(keyring.path()).unwrap_err();

        assert!(
            matches!(error, SealError::Malformed { line: at, .. } if at == line),
            "{error:?} in {content:?}"
        );
        assert_eq!(fs::read_to_string(keyring.path()).unwrap(), content);
    }
}

#[test]
fn neither_debug_output_nor_errors_show_a_key() {
    let (_dir, keyring) = keyring();
    let content = fs::read_to_string(keyring.path()).unwrap();
    let secret = content.lines().last().unwrap().split_once(' ').unwrap().1;
    fs::write(keyring.path(), format!("{content}{secret}\n")).unwrap();

    let error = Keyring::load_or_create(keyring.path()).unwrap_err();

    for shown in [format!("{keyring:?}"), format!("{error:?}"), error.to_string()] {
        assert!(!shown.contains(&secret[..16]), "{shown}");
    }
}
