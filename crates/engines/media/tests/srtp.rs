//! SRTP from end to end: what one side protects the other reads, and nobody else's does.

use media::DropReason;
use media::rtcp;
use media::rtp::{Header, Marker};
use media::srtp::{Inbound, MasterKey, Mki, Outbound, Suite, TRAILER_BYTES_MAX, WINDOW};
use proptest::prelude::*;

const SSRC: u32 = 0xcafe_f00d;

fn key(suite: Suite, seed: u8) -> MasterKey {
    let bytes: Vec<u8> = (0..suite.key_bytes() + suite.salt_bytes())
        .map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed))
        .collect();
    MasterKey::parse(suite, &bytes).expect("a sound fixture")
}

fn pair(suite: Suite) -> (Outbound, Inbound) {
    (Outbound::new(key(suite, 1)), Inbound::new(key(suite, 1), None))
}

fn packet(ssrc: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let timestamp = u32::from(sequence).wrapping_mul(160);
    let header = Header { payload_type: 0, marker: Marker::Clear, sequence, timestamp, ssrc };
    [&header.print()[..], payload].concat()
}

fn protect(outbound: &mut Outbound, plain: &[u8]) -> Vec<u8> {
    let mut buffer = [plain, &[0; TRAILER_BYTES_MAX]].concat();
    let len = outbound.protect_rtp(&mut buffer, plain.len()).expect("a sound fixture");
    buffer.truncate(len);
    buffer
}

fn protect_report(outbound: &mut Outbound, plain: &[u8]) -> Vec<u8> {
    let mut buffer = [plain, &[0; TRAILER_BYTES_MAX]].concat();
    let len = outbound.protect_rtcp(&mut buffer, plain.len()).expect("a sound fixture");
    buffer.truncate(len);
    buffer
}

fn unprotect(inbound: &mut Inbound, wire: &[u8]) -> Result<Vec<u8>, DropReason> {
    let mut packet = wire.to_vec();
    let len = inbound.unprotect_rtp(&mut packet)?;
    packet.truncate(len);
    Ok(packet)
}

fn unprotect_report(inbound: &mut Inbound, wire: &[u8]) -> Result<Vec<u8>, DropReason> {
    let mut packet = wire.to_vec();
    let len = inbound.unprotect_rtcp(&mut packet)?;
    packet.truncate(len);
    Ok(packet)
}

fn report() -> Vec<u8> {
    let mut report = Vec::new();
    rtcp::write_report(&mut report, SSRC, None, &[], "trunkline");
    report
}

fn suite() -> impl Strategy<Value = Suite> {
    proptest::sample::select(&Suite::ALL[..])
}

#[test]
fn a_packet_grows_by_its_suites_tag_and_its_header_stays_in_clear() {
    for suite in Suite::ALL {
        let (mut outbound, mut inbound) = pair(suite);
        let plain = packet(SSRC, 9, &[0xff; 160]);
        let wire = protect(&mut outbound, &plain);
        assert_eq!(wire.len(), plain.len() + suite.rtp_tag_bytes(), "{}", suite.name());
        assert_eq!(wire[..12], plain[..12]);
        assert_ne!(wire[12..172], plain[12..]);
        assert_eq!(unprotect(&mut inbound, &wire), Ok(plain));
    }
}

#[test]
fn extensions_and_contributing_sources_stay_in_clear() {
    for suite in Suite::ALL {
        let (mut outbound, mut inbound) = pair(suite);
        let mut plain = packet(SSRC, 1, &[]);
        plain[0] |= 0x10 | 1;
        plain.extend([9, 9, 9, 9, 0xbe, 0xde, 0, 1, 1, 2, 3, 4, 42, 43]);
        let wire = protect(&mut outbound, &plain);
        assert_eq!(wire[..24], plain[..24]);
        assert_ne!(wire[24..26], plain[24..26]);
        assert_eq!(unprotect(&mut inbound, &wire), Ok(plain));
    }
}

#[test]
fn the_rollover_counter_is_followed_over_loss_at_the_rollover() {
    for suite in Suite::ALL {
        let (mut outbound, mut inbound) = pair(suite);
        let mut sequence = 65_500_u16;
        for step in 0..4_000_u32 {
            sequence = sequence.wrapping_add(1 + (step % 97) as u16);
            let plain = packet(SSRC, sequence, &[step as u8; 20]);
            let wire = protect(&mut outbound, &plain);
            // Two of three are lost, with every rollover among them.
            if step % 3 == 0 {
                assert_eq!(unprotect(&mut inbound, &wire), Ok(plain), "step {step}");
            }
        }
    }
}

#[test]
fn a_number_is_not_protected_twice_under_one_key() {
    let (mut outbound, _) = pair(Suite::AesCm128Sha1With80);
    protect(&mut outbound, &packet(SSRC, 5, &[1; 20]));
    let mut again = [packet(SSRC, 5, &[2; 20]), vec![0; TRAILER_BYTES_MAX]].concat();
    assert_eq!(outbound.protect_rtp(&mut again, 32), Err(DropReason::Replayed));
    protect(&mut outbound, &packet(SSRC + 1, 5, &[2; 20]));
}

#[test]
fn a_tag_that_does_not_fit_is_refused_and_uses_no_number() {
    let (mut outbound, mut inbound) = pair(Suite::AesGcm256);
    let plain = packet(SSRC, 5, &[1; 20]);
    let mut tight = [&plain[..], &[0; 15]].concat();
    assert_eq!(outbound.protect_rtp(&mut tight, plain.len()), Err(DropReason::NoRoom));
    let mut tight = [report(), vec![0; 19]].concat();
    let len = tight.len() - 19;
    assert_eq!(outbound.protect_rtcp(&mut tight, len), Err(DropReason::NoRoom));
    let wire = protect(&mut outbound, &plain);
    assert_eq!(unprotect(&mut inbound, &wire), Ok(plain));
}

#[test]
fn a_new_key_goes_on_with_the_rollover_counter() {
    for suite in Suite::ALL {
        let (mut outbound, mut inbound) = pair(suite);
        for sequence in [65_000, 10, 20] {
            let wire = protect(&mut outbound, &packet(SSRC, sequence, &[1; 20]));
            unprotect(&mut inbound, &wire).unwrap();
        }
        let old = protect(&mut outbound, &packet(SSRC, 25, &[1; 20]));
        outbound.rekey(&key(suite, 2));
        inbound.rekey(&key(suite, 2), None);
        assert_eq!(unprotect(&mut inbound, &old), Err(DropReason::NotAuthentic));
        for sequence in [30, 29, 31] {
            let plain = packet(SSRC, sequence, &[3; 20]);
            let wire = protect(&mut outbound, &plain);
            assert_eq!(unprotect(&mut inbound, &wire), Ok(plain), "{}", suite.name());
            assert_eq!(unprotect(&mut inbound, &wire), Err(DropReason::Replayed));
        }
    }
}

#[test]
fn a_peer_that_begins_its_rollover_counter_anew_with_a_new_key_is_understood() {
    for suite in Suite::ALL {
        let (mut outbound, mut inbound) = pair(suite);
        for sequence in [65_000, 10] {
            let wire = protect(&mut outbound, &packet(SSRC, sequence, &[1; 20]));
            unprotect(&mut inbound, &wire).unwrap();
        }
        inbound.rekey(&key(suite, 2), None);
        let mut anew = Outbound::new(key(suite, 2));
        for sequence in [11, 12, 13] {
            let plain = packet(SSRC, sequence, &[3; 20]);
            let wire = protect(&mut anew, &plain);
            assert_eq!(unprotect(&mut inbound, &wire), Ok(plain), "{}", suite.name());
        }
    }
}

#[test]
fn the_same_key_again_changes_nothing() {
    let suite = Suite::AesGcm128;
    let (mut outbound, mut inbound) = pair(suite);
    let wire = protect(&mut outbound, &packet(SSRC, 65_535, &[1; 20]));
    unprotect(&mut inbound, &wire).unwrap();
    outbound.rekey(&key(suite, 1));
    inbound.rekey(&key(suite, 1), None);
    assert_eq!(unprotect(&mut inbound, &wire), Err(DropReason::Replayed));
    let plain = packet(SSRC, 0, &[1; 20]);
    let wire = protect(&mut outbound, &plain);
    assert_eq!(unprotect(&mut inbound, &wire), Ok(plain));
}

#[test]
fn an_identifier_beside_the_tag_is_stepped_over_and_must_be_the_agreed_one() {
    for suite in Suite::ALL {
        let mut outbound = Outbound::new(key(suite, 1));
        let mut inbound = Inbound::new(key(suite, 1), Mki::parse(0x0105, 4));
        let tag = match suite {
            Suite::AesGcm128 | Suite::AesGcm256 => 0,
            Suite::AesCm128Sha1With80
            | Suite::AesCm128Sha1With32
            | Suite::AesCm192Sha1With80
            | Suite::AesCm192Sha1With32
            | Suite::AesCm256Sha1With80
            | Suite::AesCm256Sha1With32 => suite.rtp_tag_bytes(),
        };
        let plain = packet(SSRC, 1, &[7; 33]);
        let mut wire = protect(&mut outbound, &plain);
        let at = wire.len() - tag;
        wire.splice(at..at, [0, 0, 1, 5]);
        assert_eq!(unprotect(&mut inbound, &wire), Ok(plain), "{}", suite.name());

        let plain = report();
        let mut wire = protect_report(&mut outbound, &plain);
        let at = wire.len() - if tag == 0 { 0 } else { 10 };
        wire.splice(at..at, [0, 0, 1, 5]);
        let mut other = wire.clone();
        other[at] ^= 1;
        assert_eq!(unprotect_report(&mut inbound, &other), Err(DropReason::NotAuthentic));
        assert_eq!(unprotect_report(&mut inbound, &wire), Ok(plain));
    }
}

#[test]
fn a_report_in_clear_is_refused_even_if_it_is_authentic() {
    let (mut outbound, mut inbound) = pair(Suite::AesCm128Sha1With80);
    let mut wire = protect_report(&mut outbound, &report());
    let flag = wire.len() - 14;
    wire[flag] &= 0x7f;
    assert_eq!(unprotect_report(&mut inbound, &wire), Err(DropReason::NotAuthentic));
}

#[test]
fn a_key_of_another_suite_reads_nothing() {
    let mut outbound = Outbound::new(key(Suite::AesCm128Sha1With80, 1));
    let wire = protect(&mut outbound, &packet(SSRC, 1, &[7; 160]));
    for suite in Suite::ALL.into_iter().filter(|it| *it != Suite::AesCm128Sha1With80) {
        // AES-128 with the short tag has the same keys: there the long tag's rest is foreign.
        let mut inbound = Inbound::new(key(suite, 1), None);
        assert_eq!(unprotect(&mut inbound, &wire), Err(DropReason::NotAuthentic));
    }
}

proptest! {
    #[test]
    fn what_is_protected_reads_as_it_was_under_loss_and_reordering(
        suite in suite(),
        start: u16,
        order in proptest::collection::vec((0..WINDOW as u16, 0..200usize, 0..4u8), 1..60),
    ) {
        let (mut outbound, mut inbound) = pair(suite);
        let mut base = start;
        let mut sent = std::collections::BTreeSet::new();
        for (back, bytes, lost) in order {
            base = base.wrapping_add(1);
            // A packet as old as the window allows, from before the first one excepted.
            let sequence = if sent.is_empty() { base } else { base.wrapping_sub(back / 2) };
            let is_early = sequence.wrapping_sub(start) > u16::MAX / 2 && start < u16::MAX / 2;
            if is_early || !sent.insert(sequence) {
                continue;
            }
            let plain = packet(SSRC, sequence, &vec![bytes as u8; bytes]);
            let wire = protect(&mut outbound, &plain);
            if lost == 0 {
                continue;
            }
            prop_assert_eq!(unprotect(&mut inbound, &wire), Ok(plain));
            prop_assert_eq!(unprotect(&mut inbound, &wire), Err(DropReason::Replayed));
        }
    }

    #[test]
    fn a_flipped_bit_is_refused_wherever_it_is(
        suite in suite(), bytes in 0..200usize, at: prop::sample::Index, bit in 0..8u8
    ) {
        let (mut outbound, mut inbound) = pair(suite);
        let plain = packet(SSRC, 77, &vec![5; bytes]);
        let wire = protect(&mut outbound, &plain);
        let mut damaged = wire.clone();
        let at = at.index(damaged.len());
        damaged[at] ^= 1 << bit;
        prop_assert!(unprotect(&mut inbound, &damaged).is_err(), "byte {}", at);
        // What was refused has used no number.
        prop_assert_eq!(unprotect(&mut inbound, &wire), Ok(plain));
    }

    #[test]
    fn a_report_reads_as_it_was_once_and_undamaged(
        suite in suite(), reports in 1..20u32, at: prop::sample::Index, bit in 0..8u8
    ) {
        let (mut outbound, mut inbound) = pair(suite);
        for _ in 0..reports {
            let plain = report();
            let wire = protect_report(&mut outbound, &plain);
            let mut damaged = wire.clone();
            let at = at.index(damaged.len());
            damaged[at] ^= 1 << bit;
            prop_assert!(unprotect_report(&mut inbound, &damaged).is_err(), "byte {}", at);
            prop_assert_eq!(unprotect_report(&mut inbound, &wire), Ok(plain));
            prop_assert!(unprotect_report(&mut inbound, &wire).is_err(), "replayed");
        }
    }

    #[test]
    fn any_bytes_are_refused_without_panic(
        suite in suite(), mut bytes in proptest::collection::vec(any::<u8>(), 0..80), mki in 0..5usize
    ) {
        let mut inbound = Inbound::new(key(suite, 1), Mki::parse(3, mki));
        prop_assert!(inbound.unprotect_rtp(&mut bytes.clone()).is_err());
        prop_assert!(inbound.unprotect_rtcp(&mut bytes).is_err());
    }
}

proptest! {
    #[test]
    fn any_script_of_packets_holds_every_invariant(
        script in proptest::collection::vec(any::<u8>(), 0..300)
    ) {
        media::fuzzing::srtp(&script);
    }
}

/// What the fuzzer is given to begin with, and some damage to each.
#[test]
fn the_fuzz_corpus_holds_every_invariant() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../fuzz/corpus/srtp");
    let mut inputs = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        media::fuzzing::srtp(&bytes);
        for cut in 0..bytes.len() {
            media::fuzzing::srtp(&bytes[..cut]);
            media::fuzzing::srtp(&[&bytes[..cut], &bytes[cut + 1..]].concat());
        }
        inputs += 1;
    }
    assert!(inputs > 0, "the corpus is there");
}
