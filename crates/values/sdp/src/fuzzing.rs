//! The body of the fuzz target, here so that stable tests run it too. It panics only if we are wrong.

use std::net::IpAddr;

use crate::{
    Accepted, BYTES_MAX, Crypto, CryptoKey, CryptoSuite, Local, OriginRewrite, Profile, Relayed,
    Rewrite, Session, build_answer, read_answer,
};

/// Reads a body, rewrites it and answers it: lines are a partition, and what we print we can read.
pub fn session(bytes: &[u8]) {
    let Ok(session) = Session::parse(bytes) else { return };
    let glued: Vec<u8> = session.lines().flat_map(|line| line.raw.to_vec()).collect();
    assert_eq!(glued, bytes, "lines are a partition of the body");

    let mut out = Vec::new();
    let keys = our_keys();
    let relay = |section| Relayed {
        formats: Some(&[8, 0]),
        profile: Some(Profile::Encrypted),
        cryptos: &keys,
        ..Relayed::new(section, 20_000)
    };
    let relayed: Vec<Relayed<'_>> =
        session.audio().ok().map(|audio| relay(audio.section)).into_iter().collect();
    let address = IpAddr::from([192, 0, 2, 1]);
    session
        .rewrite(&Rewrite { address, origin: OriginRewrite::Address, relayed: &relayed }, &mut out);
    if out.len() <= BYTES_MAX {
        let printed = Session::parse(&out).expect("what we print, we can read");
        for relayed in &relayed {
            let seen: Vec<_> = printed.sections()[relayed.section].cryptos().collect();
            assert_eq!(seen, [Ok(keys[0].clone())], "our key stands there, and nobody else's");
        }
    }

    for accepted in [Accepted::Clear, Accepted::Either, Accepted::Encrypted] {
        let local = Local { accepted, keys: &keys, ..Local::new(address, 20_000) };
        answer(&session, &local);
    }
}

fn our_keys() -> [Crypto; 1] {
    let suite = CryptoSuite::AesCm128Sha1With80;
    let key = CryptoKey::new(&[7; 30]).expect("no longer than the longest");
    [Crypto { tag: 1, suite, key, mki: None }]
}

fn answer(session: &Session<'_>, local: &Local<'_>) {
    let mut answer = Vec::new();
    if build_answer(session, local, &mut answer).is_ok() {
        let answer = Session::parse(&answer).expect("our answer is well formed");
        assert_eq!(answer.sections().len(), session.sections().len(), "RFC 3264 §6: one m= each");
    }
    let _ = read_answer(local, session);
}
