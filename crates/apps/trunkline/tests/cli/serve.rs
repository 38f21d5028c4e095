//! `trunkline serve`: ready, stopped, killed, started twice.

use crate::world::{ACCOUNT, FREE_PORTS, Service, eventually, run};

const TERMINATION: &str = r#""Termination":{"CallingRegions":["US"],"CidrAllowedList":[]}"#;

fn make_connector(service: &Service) -> String {
    let input = r#"{"Name":"office","RequireEncryption":false}"#;
    let made = service.run(&["api", "create-voice-connector", "--json", input]).json();
    let id = made["VoiceConnector"]["VoiceConnectorId"].as_str().unwrap().to_owned();
    let input = format!("{{\"VoiceConnectorId\":\"{id}\",{TERMINATION}}}");
    service.run(&["api", "PutVoiceConnectorTermination", "--json", &input]).ok();
    id
}

#[test]
fn the_ready_line_names_every_listener_and_sigterm_stops_with_0() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    assert_eq!(service.ready["event"], "ready");
    for listener in ["http", "admin", "sip_udp", "sip_tcp", "sip_tls"] {
        let address: std::net::SocketAddr =
            service.ready[listener].as_str().unwrap().parse().unwrap();
        assert_ne!(address.port(), 0, "{listener}");
    }
    let data_dir = dir.path().canonicalize().unwrap().join("data");
    assert_eq!(service.ready["data_dir"].as_str(), data_dir.to_str());
    assert_eq!(service.terminate(), Some(0));
}

#[test]
fn what_was_acknowledged_is_there_after_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    let id = make_connector(&service);
    let users = r#""Credentials":[{"Username":"pbx","Password":"secret"}]"#;
    let input = format!("{{\"VoiceConnectorId\":\"{id}\",{users}}}");
    service.run(&["api", "PutVoiceConnectorTerminationCredentials", "--json", &input]).ok();
    service.kill();

    let service = Service::start(dir.path());
    let input = format!("{{\"VoiceConnectorId\":\"{id}\"}}");
    let list = ["api", "ListVoiceConnectorTerminationCredentials", "--output", "json"];
    let listed = service.run(&[&list[..], &["--json", &input]].concat()).json();
    assert_eq!(listed["Usernames"], serde_json::json!(["pbx"]));
    std::fs::write(dir.path().join("pw"), "secret\n").unwrap();
    service.run(&["number", "add", "+12065550150", "--account", ACCOUNT]).ok();
    let call = ["call", "--from", "+12065550150", "--to", "+12065550120", "--seconds", "1"];
    service.run(&[&call[..], &["--username", "pbx", "--password-file", "pw"]].concat()).ok();
}

#[test]
fn a_second_service_on_the_same_data_exits_1_and_says_who_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let _service = Service::start(dir.path());
    let done = run(dir.path(), &FREE_PORTS, &["serve", "--data-dir", "data"]);
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("is in use by process"), "{}", done.err);
    assert!(done.out.is_empty(), "no ready line: {}", done.out);
}

#[test]
fn the_first_signal_lets_a_call_go_on_and_the_second_stops_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start_with(dir.path(), &[("TRUNKLINE_CALLS__DRAIN_MAX_S", "600")]);
    let id = make_connector(&service);
    let users = r#""Credentials":[{"Username":"pbx","Password":"secret"}]"#;
    let input = format!("{{\"VoiceConnectorId\":\"{id}\",{users}}}");
    service.run(&["api", "PutVoiceConnectorTerminationCredentials", "--json", &input]).ok();
    service.run(&["number", "add", "+12065550150", "--account", ACCOUNT]).ok();
    std::fs::write(dir.path().join("pw"), "secret").unwrap();
    let call = ["call", "--from", "+12065550150", "--to", "+12065550120", "--seconds", "600"];
    let user = ["--username", "pbx", "--password-file", "pw"];
    let mut call = service.spawn(&[&call[..], &user].concat());
    eventually("the call", || service.run(&["calls", "--live"]).ok().contains("answered"));

    service.signal();
    eventually("the drain", || service.admin("/readyz") == 503);
    assert!(service.run(&["calls", "--live"]).ok().contains("answered"));
    assert_eq!(service.terminate(), Some(1));
    call.kill().unwrap();
    call.wait().unwrap();
}
