use super::*;

const URI: &str = "sip:+12065550100@carrier.example";

fn client() -> Client {
    Client::new("trunk\"1".into(), Secret::new("secret".into()), &[3; 16])
}

fn response(status: &str, challenges: &[&str]) -> String {
    let name = if status.starts_with("401") { "WWW-Authenticate" } else { "Proxy-Authenticate" };
    let lines: String = challenges.iter().map(|it| format!("{name}: {it}\r\n")).collect();
    format!("SIP/2.0 {status}\r\n{lines}Content-Length: 0\r\n\r\n")
}

fn challenged(client: &mut Client, status: &str, challenges: &[&str]) -> Result<(), Unanswerable> {
    client.challenged(&Message::parse(response(status, challenges).as_bytes()).unwrap())
}

fn answer(client: &mut Client) -> (Name, String) {
    let it = client.authorization(Method::Invite, URI).unwrap();
    (it.name(), it.to_string())
}

const MD5: &str = r#"Digest realm="r", nonce="n1", qop="auth,auth-int", algorithm=MD5"#;
const SHA256: &str = r#"Digest realm="r", nonce="n2", qop="auth", algorithm=SHA-256"#;
const STALE: &str = r#"Digest realm="r", nonce="n3", qop="auth", algorithm=MD5, stale=true"#;

#[test]
fn nothing_is_offered_before_the_first_challenge() {
    assert!(client().authorization(Method::Invite, URI).is_none());
}

#[test]
fn the_strongest_known_algorithm_is_answered() {
    let unknown = r#"Digest realm="r", nonce="n", qop="auth", algorithm=SHA-999"#;
    let mut client = client();
    assert_eq!(challenged(&mut client, "401 Unauthorized", &[unknown, MD5, SHA256]), Ok(()));
    let (name, value) = answer(&mut client);
    assert_eq!(name, Name::Authorization);
    assert!(value.contains("algorithm=SHA-256"), "{value}");
    assert!(value.contains("nonce=\"n2\""), "{value}");
}

#[test]
fn the_answer_repeats_what_the_challenge_said_and_counts() {
    let mut client = client();
    let with_opaque = format!("{MD5}, opaque=\"o\\\"x\"");
    assert_eq!(challenged(&mut client, "407 Proxy", &[&with_opaque]), Ok(()));
    let (name, first) = answer(&mut client);
    assert_eq!(name, Name::ProxyAuthorization);
    let wanted = r#"Digest username="trunk\"1", realm="r", nonce="n1", uri="#;
    assert!(first.starts_with(wanted), "{first}");
    assert!(first.ends_with(r#", opaque="o\"x""#), "{first}");
    assert!(first.contains("qop=auth, nc=00000001"), "{first}");
    let (_, second) = answer(&mut client);
    assert!(second.contains("nc=00000002"), "{second}");
}

#[test]
fn a_challenge_of_rfc_2069_gets_an_answer_of_rfc_2069() {
    let mut client = client();
    assert_eq!(challenged(&mut client, "401 U", &[r#"Digest realm="r", nonce="n""#]), Ok(()));
    let (_, value) = answer(&mut client);
    assert!(!value.contains("qop") && !value.contains("nc=") && !value.contains("algorithm"));
}

#[test]
fn a_second_challenge_is_a_refusal() {
    let mut client = client();
    challenged(&mut client, "407 Proxy", &[MD5]).unwrap();
    answer(&mut client);
    assert_eq!(challenged(&mut client, "407 Proxy", &[MD5]), Err(Unanswerable::Rejected));
}

#[test]
fn a_stale_nonce_is_renewed_once() {
    let mut client = client();
    challenged(&mut client, "407 Proxy", &[MD5]).unwrap();
    answer(&mut client);
    assert_eq!(challenged(&mut client, "407 Proxy", &[STALE]), Ok(()));
    assert!(answer(&mut client).1.contains("nonce=\"n3\""));
    assert_eq!(challenged(&mut client, "407 Proxy", &[STALE]), Err(Unanswerable::Rejected));
}

#[test]
fn after_success_a_stale_nonce_may_be_renewed_again() {
    let mut client = client();
    challenged(&mut client, "407 Proxy", &[MD5]).unwrap();
    for _ in 0..5 {
        answer(&mut client);
        client.settled();
        assert_eq!(challenged(&mut client, "407 Proxy", &[STALE]), Ok(()));
    }
}

#[test]
fn credentials_that_were_good_answer_a_new_challenge_once() {
    let mut client = client();
    challenged(&mut client, "407 Proxy", &[MD5]).unwrap();
    answer(&mut client);
    client.settled();
    answer(&mut client);
    let another = MD5.replace("n1", "n9");
    assert_eq!(challenged(&mut client, "407 Proxy", &[&another]), Ok(()), "without stale");
    answer(&mut client);
    assert_eq!(challenged(&mut client, "407 Proxy", &[&another]), Err(Unanswerable::Rejected));
}

#[test]
fn challenges_that_cannot_be_answered_say_why() {
    let mut client = client();
    let integrity = r#"Digest realm="r", nonce="n", qop="auth-int""#;
    let session = r#"Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess"#;
    for challenge in [integrity, session] {
        let result = challenged(&mut client, "401 U", &[challenge]);
        assert_eq!(result, Err(Unanswerable::Unknown), "{challenge}");
    }
    for (status, challenges) in [
        ("403 Forbidden", &[MD5][..]),
        ("401 U", &[][..]),
        ("401 U", &["Basic realm=\"r\""][..]),
        ("401 U", &[r#"Digest nonce="n", qop="auth""#][..]),
    ] {
        let result = challenged(&mut client, status, challenges);
        assert_eq!(result, Err(Unanswerable::NoChallenge), "{status} {challenges:?}");
    }
}
