//! `a=crypto` lines: what is read, what is refused, what is written.

use proptest::prelude::*;
use sdp::{
    Accepted, Crypto, CryptoFault, CryptoKey, CryptoMki, CryptoSuite, Local, OriginRewrite,
    Profile, Refusal, Relayed, Rewrite, Session, build_answer, build_offer, read_answer,
};

/// The key of the examples in RFC 4568 §4.1: 30 bytes.
const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

fn crypto(line: &str) -> Result<Crypto, CryptoFault> {
    Crypto::parse(line)
}

#[test]
fn a_line_is_tag_suite_and_key() {
    let read = crypto(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4 WSH=64")).unwrap();
    assert_eq!((read.tag, read.suite), (1, CryptoSuite::AesCm128Sha1With80));
    assert_eq!(read.key.bytes(), b"YS___semctl () {\t220;}\n}\nunles");
    assert_eq!(read.mki, Some(CryptoMki { value: 1, bytes: 4 }));
}

#[test]
fn lifetime_and_identifier_may_be_left_out() {
    for (rest, mki) in [
        ("", None),
        ("|2^48", None),
        ("|1048576", None),
        ("|7:2", Some(CryptoMki { value: 7, bytes: 2 })),
        ("|2^31|66051:4", Some(CryptoMki { value: 66_051, bytes: 4 })),
    ] {
        let read = crypto(&format!("12 AES_CM_128_HMAC_SHA1_32 inline:{KEY}{rest}")).unwrap();
        assert_eq!((read.tag, read.mki), (12, mki), "{rest}");
    }
}

#[test]
fn what_takes_protection_away_or_is_not_understood_is_refused_by_name() {
    use CryptoFault as F;
    let suite = "AES_CM_128_HMAC_SHA1_80";
    for (line, fault) in [
        (String::new(), F::Grammar),
        (format!("x {suite} inline:{KEY}"), F::Grammar),
        (format!("1234567890 {suite} inline:{KEY}"), F::Grammar),
        (format!("1 F8_128_HMAC_SHA1_80 inline:{KEY}"), F::Suite),
        (format!("1 {suite} uri:{KEY}"), F::Grammar),
        (format!("1 {suite}"), F::Grammar),
        (format!("1 {suite} inline:{KEY}|2^20|1:4|x"), F::Grammar),
        (format!("1 {suite} inline:{KEY}|2^20|1:4;inline:{KEY}|2^20|2:4"), F::SeveralKeys),
        (format!("1 {suite} inline:{}", &KEY[..36]), F::Key),
        (format!("1 {suite} inline:{KEY}AAAA"), F::Key),
        (format!("1 {suite} inline:{}*", &KEY[..39]), F::Key),
        (format!("1 AES_256_CM_HMAC_SHA1_80 inline:{KEY}"), F::Key),
        (format!("1 {suite} inline:{KEY}|0"), F::Lifetime),
        (format!("1 {suite} inline:{KEY}|2^49"), F::Lifetime),
        (format!("1 {suite} inline:{KEY}|soon"), F::Lifetime),
        (format!("1 {suite} inline:{KEY}|2^20|1:0"), F::Mki),
        (format!("1 {suite} inline:{KEY}|2^20|256:1"), F::Mki),
        (format!("1 {suite} inline:{KEY}|2^20|1:129"), F::Mki),
        (format!("1 {suite} inline:{KEY} UNENCRYPTED_SRTP"), F::SessionParameter),
        (format!("1 {suite} inline:{KEY} UNENCRYPTED_SRTCP"), F::SessionParameter),
        (format!("1 {suite} inline:{KEY} UNAUTHENTICATED_SRTP"), F::SessionParameter),
        (format!("1 {suite} inline:{KEY} KDR=5"), F::SessionParameter),
        (format!("1 {suite} inline:{KEY} FEC_ORDER=FEC_SRTP"), F::SessionParameter),
        (format!("1 {suite} inline:{KEY} WSH=64 SOMETHING"), F::SessionParameter),
    ] {
        assert_eq!(crypto(&line), Err(fault), "{line}");
    }
    crypto(&format!("1 {suite} inline:{KEY} -SOMETHING=1  WSH=128")).unwrap();
}

#[test]
fn a_key_is_not_shown() {
    let read = crypto(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}")).unwrap();
    let shown = format!("{read:?}");
    assert!(shown.contains("CryptoKey(…)") && !shown.contains("WVN"), "{shown}");
}

#[test]
fn suites_are_offered_in_counter_mode_first() {
    let names = CryptoSuite::ALL.map(CryptoSuite::name);
    assert_eq!(names[0], "AES_CM_128_HMAC_SHA1_80");
    assert_eq!(names[6..], ["AEAD_AES_128_GCM", "AEAD_AES_256_GCM"]);
}

fn key(tag: u32, suite: CryptoSuite, byte: u8) -> Crypto {
    let key = CryptoKey::new(&vec![byte; suite.key_bytes()]).expect("a sound fixture");
    Crypto { tag, suite, key, mki: None }
}

fn local(accepted: Accepted, keys: &[Crypto]) -> Local<'_> {
    Local { accepted, keys, ..Local::new("192.0.2.10".parse().expect("a sound fixture"), 4000) }
}

fn offer(local: &Local<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    build_offer(local, &mut out);
    out
}

#[test]
fn both_sides_agree_on_the_first_suite_that_both_have_each_with_its_own_key() {
    let theirs = [
        key(1, CryptoSuite::AesGcm256, 1),
        key(2, CryptoSuite::AesCm256Sha1With80, 2),
        key(3, CryptoSuite::AesCm128Sha1With80, 3),
    ];
    let ours =
        [key(1, CryptoSuite::AesCm128Sha1With80, 4), key(2, CryptoSuite::AesCm256Sha1With80, 5)];
    for (caller, profile) in [(Accepted::Encrypted, "RTP/SAVP"), (Accepted::Either, "RTP/AVP")] {
        let caller = local(caller, &theirs);
        let offer = offer(&caller);
        assert!(String::from_utf8(offer.clone()).unwrap().contains(profile));
        let mut answer = Vec::new();
        let callee = local(Accepted::Encrypted, &ours);
        let agreed = build_answer(&Session::parse(&offer).unwrap(), &callee, &mut answer).unwrap();
        let at_callee = agreed.keys.unwrap();
        assert_eq!((at_callee.ours.tag, &at_callee.ours.key), (2, &ours[1].key));
        assert_eq!(at_callee.theirs, theirs[1]);
        let answer = Session::parse(&answer).unwrap();
        let at_caller = read_answer(&caller, &answer).unwrap().keys.unwrap();
        assert_eq!((at_caller.ours, at_caller.theirs), (at_callee.theirs, at_callee.ours));
    }
}

#[test]
fn keys_beside_media_in_clear_may_be_passed_over() {
    let theirs = [key(1, CryptoSuite::AesCm128Sha1With80, 3)];
    let caller = local(Accepted::Either, &theirs);
    let offer = offer(&caller);
    let mut answer = Vec::new();
    let callee = local(Accepted::Clear, &[]);
    let agreed = build_answer(&Session::parse(&offer).unwrap(), &callee, &mut answer).unwrap();
    assert_eq!(agreed.keys, None);
    assert_eq!(read_answer(&caller, &Session::parse(&answer).unwrap()).unwrap().keys, None);
}

#[test]
fn what_is_not_protected_as_wanted_is_refused_by_name() {
    let keys = [key(1, CryptoSuite::AesCm128Sha1With80, 3)];
    let others = [key(1, CryptoSuite::AesGcm256, 3)];
    let answered = |offering: &Local<'_>, answering: &Local<'_>| {
        build_answer(&Session::parse(&offer(offering)).unwrap(), answering, &mut Vec::new())
            .map(drop)
    };
    let encrypted = local(Accepted::Encrypted, &keys);
    let clear = local(Accepted::Clear, &[]);
    assert_eq!(answered(&encrypted, &clear), Err(Refusal::Encrypted));
    assert_eq!(answered(&clear, &encrypted), Err(Refusal::EncryptionRequired));
    let other = local(Accepted::Encrypted, &others);
    assert_eq!(answered(&encrypted, &other), Err(Refusal::NoCommonSuite));
    let of_others = offer(&other);
    let read = read_answer(&encrypted, &Session::parse(&of_others).unwrap());
    assert_eq!(read, Err(Refusal::NoCommonSuite));
    let in_clear = offer(&clear);
    let read = read_answer(&encrypted, &Session::parse(&in_clear).unwrap());
    assert_eq!(read, Err(Refusal::EncryptionRequired));
}

#[test]
fn a_relay_hands_on_its_own_keys_and_never_the_peers() {
    let peers = format!(
        "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n\
         m=audio 4000 RTP/SAVPF 0\r\nb=AS:84\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n\
         a=fingerprint:sha-256 AB:CD\r\na=setup:active\r\na=ptime:20"
    );
    let ours = [key(1, CryptoSuite::AesCm128Sha1With80, 0)];
    let print = |profile, cryptos| {
        let relayed = [Relayed { profile: Some(profile), cryptos, ..Relayed::new(0, 20_000) }];
        let rewrite = Rewrite {
            address: "198.51.100.1".parse().expect("a sound fixture"),
            origin: OriginRewrite::Address,
            relayed: &relayed,
        };
        let mut out = Vec::new();
        Session::parse(peers.as_bytes()).expect("a sound fixture").rewrite(&rewrite, &mut out);
        String::from_utf8(out).expect("text")
    };
    let clear = print(Profile::Clear, &[]);
    assert!(clear.ends_with("m=audio 20000 RTP/AVPF 0\r\nb=AS:84\r\na=ptime:20"), "{clear}");
    let keyed = print(Profile::Encrypted, &ours);
    let zeros = "A".repeat(40);
    let end = format!(
        "m=audio 20000 RTP/SAVPF 0\r\nb=AS:84\r\n\
         a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{zeros}\r\na=ptime:20"
    );
    assert!(keyed.ends_with(&end), "{keyed}");
}

#[test]
fn a_section_without_attributes_gets_its_keys_at_its_end() {
    let ours = [key(1, CryptoSuite::AesCm128Sha1With80, 0)];
    for end in ["", "\r\n", "\r\nm=video 0 RTP/AVP 96\r\n", "\r\n\r\n"] {
        let text = format!(
            "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n\
             m=audio 4000 RTP/AVP 0{end}"
        );
        let relayed = [Relayed {
            profile: Some(Profile::Encrypted),
            cryptos: &ours,
            ..Relayed::new(0, 20_000)
        }];
        let rewrite = Rewrite {
            address: "198.51.100.1".parse().expect("a sound fixture"),
            origin: OriginRewrite::Address,
            relayed: &relayed,
        };
        let mut out = Vec::new();
        Session::parse(text.as_bytes()).expect("a sound fixture").rewrite(&rewrite, &mut out);
        let printed = Session::parse(&out).expect("what is printed can be read");
        assert_eq!(printed.sections()[0].cryptos().count(), 1, "{end:?}");
        assert_eq!(printed.audio().map(|audio| audio.profile), Ok(Profile::Encrypted));
    }
}

proptest! {
    #[test]
    fn a_written_line_reads_as_itself(
        tag in 1..1_000_000_000u32,
        suite in proptest::sample::select(&CryptoSuite::ALL[..]),
        seed: u8,
        mki in proptest::option::of((any::<u32>(), 4..20u16)),
    ) {
        let bytes: Vec<u8> =
            (0..suite.key_bytes()).map(|at| (at as u8).wrapping_mul(seed | 1) ^ seed).collect();
        let key = CryptoKey::new(&bytes).expect("no longer than the longest");
        let mki = mki.map(|(value, bytes)| CryptoMki { value: value.into(), bytes });
        let crypto = Crypto { tag, suite, key, mki };
        let mut line = Vec::new();
        crypto.write(&mut line);
        let line = String::from_utf8(line).expect("text");
        let value = line.strip_prefix("a=crypto:").and_then(|it| it.strip_suffix("\r\n"));
        prop_assert_eq!(Crypto::parse(value.expect("a whole line")), Ok(crypto));
    }

    #[test]
    fn any_text_is_refused_or_writes_as_what_it_reads(text in "[ -~]{0,120}") {
        if let Ok(read) = Crypto::parse(&text) {
            let mut line = Vec::new();
            read.write(&mut line);
            let line = String::from_utf8(line).expect("text");
            prop_assert_eq!(Crypto::parse(line["a=crypto:".len()..].trim_end()), Ok(read));
        }
    }

    #[test]
    fn a_damaged_line_does_not_panic(
        rest in "[|;: 0-9a-zA-Z^=+/-]{0,40}", at in 0..90usize
    ) {
        let whole = format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4");
        let cut = at.min(whole.len());
        let _ = Crypto::parse(&format!("{}{rest}", &whole[..cut]));
    }
}
