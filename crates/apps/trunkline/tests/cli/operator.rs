//! The operator's commands against a running service.

use serde_json::json;

use crate::world::{ACCOUNT, Done, Service, run};

/// A service with a connector that lets the loopback call out, and the caller's number.
fn service_with_connector(home: &std::path::Path) -> (Service, String) {
    let service = Service::start(home);
    let input = r#"{"Name":"office","RequireEncryption":false}"#;
    let made = service.run(&["api", "CreateVoiceConnector", "--json", input]).json();
    let id = made["VoiceConnector"]["VoiceConnectorId"].as_str().unwrap().to_owned();
    let termination = json!({
        "VoiceConnectorId": id,
        "Termination": { "CallingRegions": ["US"], "CidrAllowedList": ["127.0.0.1/32"], "CpsLimit": 50 },
    });
    std::fs::write(home.join("termination.json"), termination.to_string()).unwrap();
    service
        .run(&["api", "put-voice-connector-termination", "--json-file", "termination.json"])
        .ok();
    (service, id)
}

fn call(service: &Service, to: &str, more: &[&str]) -> Done {
    let call = ["call", "--from", "+12065550150", "--to", to, "--seconds", "1"];
    service.run(&[&call[..], more].concat())
}

#[test]
fn a_key_is_created_used_disabled_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    let made = service.run(&["key", "create", "--name", "ci", "--output", "json"]).json();
    let id = made["access_key_id"].as_str().unwrap();
    let secret = made["secret_access_key"].as_str().unwrap();
    let endpoint = format!("http://{}", service.ready["http"].as_str().unwrap());
    let environment = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", id),
        ("AWS_SECRET_ACCESS_KEY", secret),
    ];
    let list = ["api", "ListVoiceConnectors"];
    run(dir.path(), &environment, &list).ok();
    service.run(&["key", "disable", id]).ok();
    let refused = run(dir.path(), &environment, &list);
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    service.run(&["key", "enable", id]).ok();
    run(dir.path(), &environment, &list).ok();

    let listed = service.run(&["key", "list"]).ok();
    assert!(listed.contains(id) && !listed.contains(secret), "{listed}");
    service.run(&["key", "delete", id]).ok();
    assert!(!service.run(&["key", "list"]).ok().contains(id));
    assert_eq!(service.run(&["key", "delete", id]).code, Some(1));
}

#[test]
fn the_seal_key_is_rotated_and_the_secrets_open_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    let seal_keys = || {
        let text = std::fs::read_to_string(dir.path().join("data/seal.key")).unwrap();
        let lines = text.lines().filter(|it| !it.starts_with('#'));
        lines.map(|it| it.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let before = seal_keys();
    let rotated = service.run(&["seal", "rotate", "--output", "json"]).json();
    assert_eq!((&rotated["resealed"], &rotated["resumed"]), (&1.into(), &false.into()));
    let after = seal_keys();
    assert_eq!(after, [rotated["key"].as_str().unwrap(), &before[0]], "the old key stays behind");

    service.kill();
    let service = Service::start(dir.path());
    assert!(service.run(&["key", "list"]).ok().contains("first"));
    assert!(service.run(&["seal", "rotate"]).ok().contains("1 secrets were sealed anew"));
}

#[test]
fn a_carrier_is_added_shown_without_its_password_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    std::fs::write(dir.path().join("carrier.pw"), "hunter2\n").unwrap();
    let add = ["carrier", "add", "upstream", "--host", "192.0.2.1", "--source", "198.51.100.0/28"];
    let user = ["--username", "4711", "--password-file", "carrier.pw"];
    service.run(&[&add[..], &user].concat()).ok();
    let shown = service.run(&["carrier", "show", "upstream"]).ok();
    assert!(shown.contains("192.0.2.1") && shown.contains("4711"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(service.run(&["carrier", "list"]).ok().contains("198.51.100.0/28"));
    service.run(&["carrier", "remove", "upstream"]).ok();
    let gone = service.run(&["carrier", "show", "upstream"]);
    assert_eq!(gone.code, Some(1));
    assert!(gone.err.contains("upstream"), "{}", gone.err);
}

#[test]
fn numbers_are_added_singly_and_in_blocks_listed_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    service.run(&["number", "add", "+12065550150", "--account", ACCOUNT]).ok();
    service.run(&["number", "add", "+12065550160-+12065550169"]).ok();
    let all = service.run(&["number", "list", "--output", "json"]).json();
    assert_eq!(all["numbers"].as_array().unwrap().len(), 11);
    let owned = service.run(&["number", "list", "--account", ACCOUNT]).ok();
    assert!(owned.contains("+12065550150") && !owned.contains("+12065550160"), "{owned}");
    service.run(&["number", "remove", "+12065550150"]).ok();
    assert!(service.run(&["number", "list", "--account", ACCOUNT]).ok().starts_with("no numbers"));
}

#[test]
fn a_rejected_call_says_why_and_exits_1_until_the_remedy_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (service, _id) = service_with_connector(dir.path());
    let rejected = call(&service, "+12065550120", &[]);
    assert_eq!(rejected.code, Some(1), "{}", rejected.out);
    for told in ["403", "caller-id", "+12065550150", "wanted:", "remedy:", "The call was rejected"]
    {
        assert!(rejected.out.contains(told), "{told}: {}", rejected.out);
    }
    let explained = service.run(&["explain", "last"]).ok();
    let sentence = explained.trim_end().lines().last().unwrap();
    assert!(
        sentence.starts_with("The call was rejected with 403 by the rule \"caller-id\""),
        "{sentence}"
    );

    service.run(&["number", "add", "+12065550150", "--account", ACCOUNT]).ok();
    let answered = call(&service, "+12065550120", &[]).ok();
    assert!(answered.contains("heard the 1 kHz tone"), "{answered}");
    let answered =
        call(&service, "+12065550120", &["--transport", "tcp", "--output", "json"]).json();
    assert_eq!(
        (answered["answered"].as_bool(), answered["heard"]["tone"].as_bool()),
        (Some(true), Some(true))
    );
}

#[test]
fn past_calls_are_listed_and_explained_by_either_name() {
    let dir = tempfile::tempdir().unwrap();
    let (service, id) = service_with_connector(dir.path());
    service.run(&["number", "add", "+12065550150", "--account", ACCOUNT]).ok();
    assert_eq!(call(&service, "+12065550130", &["--connector", &id]).code, Some(1));
    let listed = service.run(&["calls", "--connector", &id, "--output", "json"]).json();
    let calls = listed["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 1);
    assert_eq!(
        (calls[0]["sip_status"].as_u64(), calls[0]["reason"].as_str()),
        (Some(486), Some("busy"))
    );
    for name in ["transaction_id", "call_id"] {
        let explained = service.run(&["explain", calls[0][name].as_str().unwrap()]).ok();
        assert!(explained.contains("let in but never answered"), "{explained}");
    }
    assert!(service.run(&["calls"]).ok().contains("+12065550130"));
    assert!(service.run(&["calls", "--live"]).ok().starts_with("no calls"));
    let unknown = service.run(&["explain", "nobody@nowhere"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.err.contains("nobody@nowhere"), "{}", unknown.err);
}

#[test]
fn the_messages_of_a_past_call_are_shown_on_both_legs_without_the_digest_response() {
    let dir = tempfile::tempdir().unwrap();
    let (service, id) = service_with_connector(dir.path());
    service.run(&["number", "add", "+12065550150", "--account", ACCOUNT]).ok();
    let credentials = json!({
        "VoiceConnectorId": id, "Credentials": [{ "Username": "pbx", "Password": "correct horse" }],
    });
    service
        .run(&[
            "api",
            "PutVoiceConnectorTerminationCredentials",
            "--json",
            &credentials.to_string(),
        ])
        .ok();
    std::fs::write(dir.path().join("pw"), "correct horse\n").unwrap();
    let user = ["--username", "pbx", "--password-file", "pw"];
    assert_eq!(call(&service, "+12065550130", &user).code, Some(1));

    let ladder = service.run(&["trace", "last", "--pcap", "call.pcap", "--messages"]).ok();
    let drawn: Vec<&str> = ladder.lines().collect();
    assert!(drawn[0].contains("caller") && drawn[0].contains("called"), "{ladder}");
    for told in ["407 Proxy Auth", "INVITE + credentials (SDP)", "486 Busy Here", "response=\"xxxx"]
    {
        assert!(ladder.contains(told), "{told}: {ladder}");
    }
    let capture = std::fs::read(dir.path().join("call.pcap")).unwrap();
    let packets = capture.windows(7).filter(|it| it == b"SIP/2.0").count();
    let told = service.run(&["trace", "last", "--output", "json"]).json();
    let messages = told["messages"].as_array().unwrap();
    assert!(packets >= messages.len(), "{packets} of {}", messages.len());
    let ways: Vec<_> = messages.iter().map(|it| it["way"].as_str().unwrap()).take(3).collect();
    assert_eq!(ways, ["received", "sent", "received"], "INVITE, 407, ACK");

    let unknown = service.run(&["trace", "nobody@nowhere"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.err.contains("nobody@nowhere") && unknown.err.contains("sip.trace_bytes_max"));
}

#[test]
fn the_doctor_finds_nothing_broken_at_a_running_service_and_says_what_a_stopped_one_would_meet() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    let told = service.run(&["doctor", "--data-dir", "data", "--output", "json"]).json();
    let findings = told["findings"].as_array().unwrap();
    let verdict = |rule: &str| {
        let found =
            findings.iter().find(|it| it["rule"] == rule).unwrap_or_else(|| panic!("{rule}"));
        found["verdict"].as_str().unwrap()
    };
    for rule in ["configuration", "data directory", "credentials", "seal key", "service", "clock"] {
        assert_eq!(verdict(rule), "good", "{rule}: {told}");
    }
    assert_eq!((verdict("carriers"), verdict("latest calls")), ("note", "good"));
    assert!(
        findings.iter().all(|it| it["verdict"] == "good"
            || it["remedy"].is_string()
            || it["verdict"] == "note")
    );

    let taken = service.ready["admin"].as_str().unwrap();
    let environment =
        [("TRUNKLINE_ADMIN__LISTEN", taken), ("AWS_ENDPOINT_URL", "http://127.0.0.1:1")];
    let stopped = run(dir.path(), &environment, &["doctor", "--data-dir", "data"]);
    assert_eq!(stopped.code, Some(1), "{}", stopped.out);
    assert!(
        stopped.out.contains(&format!("admin.listen {taken} cannot be listened on")),
        "{}",
        stopped.out
    );
    assert!(stopped.out.contains("trunkline (process "), "who has it: {}", stopped.out);
    assert!(stopped.out.contains("remedy: stop trunkline"), "{}", stopped.out);
}

#[test]
fn the_doctor_names_a_bad_key_and_looks_at_the_rest_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let done = run(dir.path(), &[("TRUNKLINE_SIP__LISTN", "127.0.0.1:0")], &["doctor"]);
    assert_eq!(done.code, Some(78), "{}", done.out);
    assert!(
        done.out.contains("sip.listen") && done.out.contains("connectors' names"),
        "{}",
        done.out
    );
}

#[test]
fn a_refused_operation_names_the_exception_and_exits_1() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    let input = r#"{"VoiceConnectorId":"abcdefghijklmnopqrstuv"}"#;
    let done = service.run(&["api", "GetVoiceConnector", "--json", input]);
    assert_eq!(done.code, Some(1));
    for told in ["NotFoundException (404)", "abcdefghijklmnopqrstuv", "request id"] {
        assert!(done.err.contains(told), "{told}: {}", done.err);
    }
}
