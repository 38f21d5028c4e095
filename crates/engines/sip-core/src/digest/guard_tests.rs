use sip_message::Status;

use super::*;
use crate::digest::Client;

const REALM: &str = "abc.voiceconnector.localhost";
const URI: &str = "sip:+12065550100@abc.voiceconnector.localhost";
const NOW: UnixMillis = UnixMillis(1_795_428_672_345);

fn guard_with(algorithms: &[Algorithm]) -> Guard {
    Guard::new(GuardConfig { algorithms: algorithms.to_vec(), ..GuardConfig::new([9; 16], 1) })
}

fn guard() -> Guard {
    guard_with(&Algorithm::ALL)
}

fn keys() -> DigestKeys {
    DigestKeys::derive("pbx", REALM, Secret::new("secret".into()))
}

fn client(password: &str) -> Client {
    Client::new("pbx".into(), Secret::new(password.into()), &[3; 16])
}

/// A 407 with the guard's challenges.
fn challenge(guard: &mut Guard, now: UnixMillis) -> String {
    let lines: String = guard
        .challenges(now, REALM, Stale::No)
        .map(|it| format!("Proxy-Authenticate: {it}\r\n"))
        .collect();
    format!("SIP/2.0 407 Proxy Authentication Required\r\n{lines}Content-Length: 0\r\n\r\n")
}

fn invite(credentials: &str) -> String {
    format!("INVITE {URI} SIP/2.0\r\n{credentials}Content-Length: 0\r\n\r\n")
}

/// The credentials that a client with that password gives to a fresh challenge.
fn answer(guard: &mut Guard, client: &mut Client) -> String {
    let text = challenge(guard, NOW);
    client.challenged(&Message::parse(text.as_bytes()).unwrap()).unwrap();
    again(client)
}

fn again(client: &mut Client) -> String {
    let authorization = client.authorization(sip_message::Method::Invite, URI).unwrap();
    format!("{}: {authorization}\r\n", authorization.name())
}

fn check(guard: &mut Guard, now: UnixMillis, credentials: &str) -> Verdict {
    let keys = keys();
    let text = invite(credentials);
    let message = Message::parse(text.as_bytes()).unwrap();
    guard.check(now, &message, Name::ProxyAuthorization, REALM, |user| {
        (user == "pbx").then_some(&keys)
    })
}

fn refusal(verdict: Verdict) -> Refusal {
    let Verdict::Refuse(refusal) = verdict else { panic!("not refused: {verdict:?}") };
    refusal
}

#[test]
fn the_right_password_passes_under_every_algorithm() {
    for algorithm in Algorithm::ALL {
        let mut guard = guard_with(&[algorithm]);
        let credentials = answer(&mut guard, &mut client("secret"));
        let verdict = check(&mut guard, NOW, &credentials);
        let Verdict::Pass(proof) = verdict else { panic!("{algorithm}: {verdict:?}") };
        assert_eq!((proof.username().as_str(), proof.algorithm()), ("pbx", algorithm));
    }
}

#[test]
fn challenges_come_in_the_configured_order_and_share_a_nonce() {
    let mut guard = guard_with(&[Algorithm::Md5, Algorithm::Sha256]);
    let text = challenge(&mut guard, NOW);
    let message = Message::parse(text.as_bytes()).unwrap();
    let fields: Vec<_> = message.challenges(Name::ProxyAuthenticate).map(Result::unwrap).collect();
    let algorithms: Vec<_> = fields.iter().map(|it| it.algorithm().unwrap()).collect();
    assert_eq!(algorithms, ["MD5", "SHA-256"]);
    assert_eq!(fields[0].nonce(), fields[1].nonce());
    assert_eq!(message.status(), Some(Status::PROXY_AUTHENTICATION_REQUIRED));
    let first = text.split("\r\n").nth(1).unwrap();
    let nonce = fields[0].nonce().unwrap();
    assert_eq!(
        first,
        format!(
            "Proxy-Authenticate: Digest realm=\"{REALM}\", nonce=\"{nonce}\", \
             algorithm=MD5, qop=\"auth\""
        )
    );
}

#[test]
fn no_credentials_or_those_of_another_realm_are_challenged() {
    let mut guard = guard();
    assert_eq!(check(&mut guard, NOW, ""), Verdict::Challenge(Stale::No));
    let foreign = answer(&mut guard, &mut client("secret")).replace(REALM, "other.example");
    assert_eq!(check(&mut guard, NOW, &foreign), Verdict::Challenge(Stale::No));
    let basic = "Proxy-Authorization: Basic cGJ4OnNlY3JldA==\r\n";
    assert_eq!(check(&mut guard, NOW, basic), Verdict::Challenge(Stale::No));
    let right = answer(&mut guard, &mut client("secret"));
    let both = format!("{foreign}{right}");
    assert!(matches!(check(&mut guard, NOW, &both), Verdict::Pass(_)));
}

#[test]
fn an_unknown_user_and_a_wrong_password_are_both_refused() {
    let mut guard = guard();
    let wrong = answer(&mut guard, &mut client("guess"));
    assert_eq!(refusal(check(&mut guard, NOW, &wrong)), Refusal::WrongResponse);
    let mut stranger = Client::new("root".into(), Secret::new("secret".into()), &[3; 16]);
    let unknown = answer(&mut guard, &mut stranger);
    assert_eq!(refusal(check(&mut guard, NOW, &unknown)), Refusal::UnknownUser);
}

#[test]
fn the_decoy_admits_nobody() {
    let mut guard = guard();
    let text = challenge(&mut guard, NOW);
    let message = Message::parse(text.as_bytes()).unwrap();
    let fields = message.challenges(Name::ProxyAuthenticate).next().unwrap().unwrap();
    let nonce = fields.nonce().unwrap();
    let formula =
        Formula { nonce: &nonce, qop_auth: Some(("00000001", "c")), method: "INVITE", uri: URI };
    let key = Algorithm::Md5.key(&guard.decoy);
    let response = formula.response(Algorithm::Md5, &key).hex();
    let credentials = format!(
        "Proxy-Authorization: Digest username=\"nobody\", realm=\"{REALM}\", nonce=\"{nonce}\", \
         uri=\"{URI}\", response=\"{}\", qop=auth, nc=00000001, cnonce=\"c\"\r\n",
        response.as_str()
    );
    assert_eq!(refusal(check(&mut guard, NOW, &credentials)), Refusal::UnknownUser);
}

#[test]
fn a_nonce_count_is_good_once() {
    let mut guard = guard();
    let mut client = client("secret");
    let first = answer(&mut guard, &mut client);
    assert!(matches!(check(&mut guard, NOW, &first), Verdict::Pass(_)));
    assert_eq!(refusal(check(&mut guard, NOW, &first)), Refusal::Replayed);
    let second = again(&mut client);
    assert!(second.contains("nc=00000002"), "{second}");
    assert!(matches!(check(&mut guard, NOW, &second), Verdict::Pass(_)));
}

#[test]
fn a_wrong_response_does_not_use_up_a_nonce_count() {
    let mut guard = guard();
    let right = answer(&mut guard, &mut client("secret"));
    let response = right.split("response=\"").nth(1).unwrap().split('"').next().unwrap();
    let wrong = right.replace(response, &"0".repeat(response.len()));
    assert_eq!(refusal(check(&mut guard, NOW, &wrong)), Refusal::WrongResponse);
    assert!(matches!(check(&mut guard, NOW, &right), Verdict::Pass(_)));
}

#[test]
fn an_old_nonce_and_one_from_before_a_restart_are_stale() {
    let mut guard = guard();
    let credentials = answer(&mut guard, &mut client("secret"));
    let later = UnixMillis(NOW.0 + 300_001);
    assert_eq!(check(&mut guard, later, &credentials), Verdict::Challenge(Stale::Yes));
    let mut restarted = Guard::new(GuardConfig::new([9; 16], 2));
    restarted.algorithms = Algorithm::ALL.to_vec();
    assert_eq!(check(&mut restarted, NOW, &credentials), Verdict::Challenge(Stale::Yes));
    let stale: Vec<String> =
        restarted.challenges(NOW, REALM, Stale::Yes).map(|it| it.to_string()).collect();
    assert!(stale.iter().all(|it| it.ends_with(", stale=true")), "{stale:?}");
}

#[test]
fn a_nonce_of_a_strangers_making_is_refused() {
    let mut guard = guard();
    let mut stranger = Guard::new(GuardConfig::new([8; 16], 1));
    let credentials = answer(&mut stranger, &mut client("secret"));
    assert_eq!(refusal(check(&mut guard, NOW, &credentials)), Refusal::ForgedNonce);
}

#[test]
fn an_algorithm_that_was_not_offered_is_refused() {
    let mut guard = guard_with(&[Algorithm::Sha256]);
    let credentials = answer(&mut guard, &mut client("secret"));
    let weaker = credentials.replace("algorithm=SHA-256", "algorithm=MD5");
    assert_eq!(refusal(check(&mut guard, NOW, &weaker)), Refusal::Algorithm);
    let unnamed = credentials.replace(", algorithm=SHA-256", "");
    assert_eq!(refusal(check(&mut guard, NOW, &unnamed)), Refusal::Algorithm);
}

#[test]
fn each_field_that_the_formula_needs_must_be_there() {
    let mut guard = guard_with(&[Algorithm::Md5]);
    let right = answer(&mut guard, &mut client("secret"));
    let without = |name: &str| {
        let (head, value) = right.split_once("Digest ").unwrap();
        let kept: Vec<&str> = value
            .trim_end()
            .split(", ")
            .filter(|it| !it.starts_with(&format!("{name}=")))
            .collect();
        format!("{head}Digest {}\r\n", kept.join(", "))
    };
    let cases = [
        ("username", Refusal::Field("username")),
        ("nonce", Refusal::Field("nonce")),
        ("uri", Refusal::Field("uri")),
        ("response", Refusal::Field("response")),
        ("cnonce", Refusal::Field("cnonce")),
        ("nc", Refusal::Field("nc")),
        ("qop", Refusal::Qop),
    ];
    for (name, wanted) in cases {
        assert_eq!(refusal(check(&mut guard, NOW, &without(name))), wanted, "{name}");
    }
    for count in ["nc=0", "nc=00000000", "nc=0000000g", "nc=+0000001"] {
        let bad = right.replace("nc=00000001", count);
        assert_eq!(refusal(check(&mut guard, NOW, &bad)), Refusal::Field("nc"), "{count}");
    }
    let integrity = right.replace("qop=auth", "qop=auth-int");
    assert_eq!(refusal(check(&mut guard, NOW, &integrity)), Refusal::Qop);
    let hashed = right.replace("qop=auth", "userhash=true, qop=auth");
    assert_eq!(refusal(check(&mut guard, NOW, &hashed)), Refusal::Field("username in clear"));
    assert!(matches!(check(&mut guard, NOW, &right), Verdict::Pass(_)));
}

#[test]
fn credentials_for_one_number_do_not_serve_for_another() {
    let mut guard = guard();
    let mut client = client("secret");
    let text = challenge(&mut guard, NOW);
    client.challenged(&Message::parse(text.as_bytes()).unwrap()).unwrap();
    let mut made_for = |uri: &str| {
        let it = client.authorization(sip_message::Method::Invite, uri).unwrap();
        let credentials = format!("{}: {it}\r\n", it.name());
        check(&mut guard, NOW, &credentials)
    };
    assert_eq!(refusal(made_for("sip:+12065550101@abc.voiceconnector.localhost")), Refusal::Uri);
    assert_eq!(refusal(made_for("sip:%2B12065550101@h")), Refusal::Uri);
    for uri in [
        "sip:+12065550100@192.0.2.1:5060",
        "sip:%2B12065550100@abc.voiceconnector.localhost;transport=udp",
        "sip:192.0.2.1:5060",
        "192.0.2.1:5060",
    ] {
        assert!(matches!(made_for(uri), Verdict::Pass(_)), "{uri}");
    }
}

#[test]
fn the_response_may_be_in_upper_case_and_the_values_escaped() {
    let mut guard = guard_with(&[Algorithm::Md5]);
    let right = answer(&mut guard, &mut client("secret"));
    let response = right.split("response=\"").nth(1).unwrap().split('"').next().unwrap();
    let odd = right
        .replace(response, &response.to_uppercase())
        .replace("username=\"pbx\"", "username=\"p\\bx\"")
        .replace("qop=auth", "qop=\"auth\"")
        .replace("algorithm=MD5", "algorithm=\"md5\"");
    assert!(matches!(check(&mut guard, NOW, &odd), Verdict::Pass(_)), "{odd}");
}

#[test]
fn credentials_that_cannot_be_read_are_refused() {
    let mut guard = guard();
    let broken = "Proxy-Authorization: Digest username=\"pbx\r\n";
    assert_eq!(refusal(check(&mut guard, NOW, broken)), Refusal::Unreadable);
}
