//! The body of the fuzz target, here so that stable tests run it too. It panics only if we are wrong.

use std::net::IpAddr;

use crate::{
    BYTES_MAX, Local, OriginRewrite, Relayed, Rewrite, Session, build_answer, read_answer,
};

/// Reads a body, rewrites it and answers it: lines are a partition, and what we print we can read.
pub fn session(bytes: &[u8]) {
    let Ok(session) = Session::parse(bytes) else { return };
    let glued: Vec<u8> = session.lines().flat_map(|line| line.raw.to_vec()).collect();
    assert_eq!(glued, bytes, "lines are a partition of the body");

    let mut out = Vec::new();
    let relayed: Vec<Relayed<'_>> = session
        .audio()
        .ok()
        .map(|audio| Relayed { formats: Some(&[8, 0]), ..Relayed::new(audio.section, 20_000) })
        .into_iter()
        .collect();
    let address = IpAddr::from([192, 0, 2, 1]);
    session
        .rewrite(&Rewrite { address, origin: OriginRewrite::Address, relayed: &relayed }, &mut out);
    if out.len() <= BYTES_MAX {
        Session::parse(&out).expect("what we print, we can read");
    }

    let local = Local::new(address, 20_000);
    let mut answer = Vec::new();
    if build_answer(&session, &local, &mut answer).is_ok() {
        let answer = Session::parse(&answer).expect("our answer is well formed");
        assert_eq!(answer.sections().len(), session.sections().len(), "RFC 3264 §6: one m= each");
    }
    let _ = read_answer(&local, &session);
}
