//! Policies, quotas and the audit, and the way back in when every key is lost.

use serde_json::{Value, json};

use crate::world::{ACCOUNT, Service, run};

fn write(dir: &std::path::Path, name: &str, document: &Value) {
    std::fs::write(dir.join(name), document.to_string()).unwrap();
}

#[test]
fn a_policy_in_a_file_is_read_checked_shown_and_changed() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    let policy = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": ["chime:List*", "chime:GetVoiceConector"], "Resource": "*"}});
    write(dir.path(), "list.json", &policy);
    let create = ["key", "create", "--policy", "list.json", "--output", "json"];
    let made = service.run(&create);
    assert!(made.err.contains("chime:GetVoiceConector"), "a warning: {}", made.err);
    let made = made.json();
    let id = made["access_key_id"].as_str().unwrap();
    let endpoint = format!("http://{}", service.ready["http"].as_str().unwrap());
    let as_key = |arguments: &[&str]| {
        let secret = made["secret_access_key"].as_str().unwrap();
        let environment = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", id),
            ("AWS_SECRET_ACCESS_KEY", secret),
        ];
        run(dir.path(), &environment, arguments)
    };
    as_key(&["api", "ListVoiceConnectors"]).ok();
    let denied = as_key(&["api", "GetGlobalSettings"]);
    assert_eq!(denied.code, Some(1));
    assert!(denied.err.contains("chime:GetGlobalSettings on resource: *"), "{}", denied.err);

    assert!(service.run(&["key", "list"]).ok().contains("custom, 1 statement"));
    assert_eq!(service.run(&["key", "policy", id]).json(), policy);
    service.run(&["key", "policy", id, "--set", "full"]).ok();
    assert_eq!(service.run(&["key", "policy", id]).ok(), "full\n");
    as_key(&["api", "GetGlobalSettings"]).ok();
    assert_eq!(service.run(&["key", "policy", "AKIANOBODY"]).code, Some(1));
}

#[test]
fn a_policy_that_is_none_is_wrong_usage_and_says_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let unknown = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"StringSame": {"aws:SourceIp": "127.0.0.1"}}}});
    write(dir.path(), "unknown.json", &unknown);
    for (file, says) in
        [("unknown.json", "\"StringSame\""), ("absent.json", "read-only"), ("admin", "full")]
    {
        let done = run(dir.path(), &[], &["key", "create", "--policy", file]);
        assert_eq!(done.code, Some(2), "{}", done.err);
        assert!(done.err.contains(file) && done.err.contains(says), "{}", done.err);
    }
}

#[test]
fn quotas_are_listed_set_and_reset() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start_with(dir.path(), &[("TRUNKLINE_API__SIP_RULES_MAX", "7")]);
    let list = service.run(&["quota", "list"]).ok();
    assert!(list.contains("sip-rules") && list.contains("Phone numbers"), "{list}");
    service.run(&["quota", "set", "voice-connectors", "1", "--account", ACCOUNT]).ok();
    let create = || {
        let input = r#"{"Name":"office","RequireEncryption":false}"#;
        service.run(&["api", "CreateVoiceConnector", "--json", input])
    };
    create().ok();
    let refused = create();
    let remedy = format!("trunkline quota set voice-connectors 2 --account {ACCOUNT}");
    assert!(refused.err.contains(&remedy), "{}", refused.err);
    // The remedy is a command that works.
    service.run(&remedy.split(' ').skip(1).collect::<Vec<_>>()).ok();
    create().ok();

    let value = |name: &str| {
        let told = service.run(&["quota", "list", "--account", ACCOUNT, "--output", "json"]).json();
        let found = told["quotas"].as_array().unwrap().iter().find(|it| it["quota"] == name);
        found.unwrap()["value"].as_u64().unwrap()
    };
    assert_eq!((value("voice-connectors"), value("sip-rules")), (2, 7));
    service.run(&["quota", "reset", "voice-connectors", "--account", ACCOUNT]).ok();
    assert_eq!(value("voice-connectors"), 10_000_000);
    assert_eq!(service.run(&["quota", "set", "rules", "1", "--account", ACCOUNT]).code, Some(1));
}

#[test]
fn the_audit_is_shown_filtered_exported_and_survives_a_power_cut() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    let input = r#"{"Name":"office","RequireEncryption":false}"#;
    let made = service.run(&["api", "CreateVoiceConnector", "--json", input]).json();
    let id = made["VoiceConnector"]["VoiceConnectorId"].as_str().unwrap();
    // It was written with the change, so nothing is lost with the power.
    service.kill();
    let service = Service::start(dir.path());
    let shown = service.run(&["audit"]).ok();
    assert!(shown.contains("chime:CreateVoiceConnector") && shown.contains(id), "{shown}");
    service.run(&["quota", "set", "sip-rules", "1", "--account", ACCOUNT]).ok();

    let mine = ["audit", "--operation", "CreateVoiceConnector", "--outcome", "done"];
    let found = service.run(&[&mine[..], &["--output", "json"]].concat()).json();
    assert_eq!(found["records"].as_array().unwrap().len(), 1);
    assert_eq!(found["records"][0]["resources"], json!([format!("vc/{id}")]));
    assert_eq!(
        service.run(&["audit", "--limit", "1", "--output", "json"]).json()["records"][0]["action"],
        "trunkline:PutQuotas"
    );
    assert!(service.run(&["audit", "--since", "2999-01-01T00:00:00Z"]).ok().contains("no records"));
    assert_eq!(service.run(&["audit", "--since", "yesterday"]).code, Some(2));

    service.run(&["audit", "export", "--file", "audit.jsonl"]).ok();
    let lines = std::fs::read_to_string(dir.path().join("audit.jsonl")).unwrap();
    let lines: Vec<Value> = lines.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    let again = service.run(&["audit", "export", "--file", "audit.jsonl"]);
    assert_eq!(again.code, Some(2), "an export never overwrites");
    let piped = service.run(&["audit", "export", "--operation", "CreateVoiceConnector"]).ok();
    assert_eq!(piped.lines().count(), 1);
}

#[test]
fn a_key_is_made_in_the_database_of_a_stopped_service_and_of_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let create = ["key", "create", "--data-dir", "data", "--output", "json"];
    let absent = run(dir.path(), &[], &create);
    assert_eq!(absent.code, Some(1));
    assert!(
        absent.err.contains("--data-dir") && !dir.path().join("data").exists(),
        "{}",
        absent.err
    );

    let service = Service::start(dir.path());
    let busy = run(dir.path(), &[], &create);
    assert_eq!(busy.code, Some(1), "{}", busy.out);
    assert!(busy.err.contains("is in use") || busy.err.contains("open"), "{}", busy.err);
    assert_eq!(service.terminate(), Some(0));

    std::fs::remove_file(dir.path().join("data/credentials")).unwrap();
    let made = run(dir.path(), &[], &create).json();
    let service = Service::start(dir.path());
    let endpoint = format!("http://{}", service.ready["http"].as_str().unwrap());
    let environment = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", made["access_key_id"].as_str().unwrap()),
        ("AWS_SECRET_ACCESS_KEY", made["secret_access_key"].as_str().unwrap()),
    ];
    run(dir.path(), &environment, &["key", "list"]).ok();
    let audit = run(dir.path(), &environment, &["audit", "--output", "json"]).json();
    let resource = format!("keys/{}", made["access_key_id"].as_str().unwrap());
    assert_eq!(audit["records"][0]["resources"], json!([resource]));
}

#[test]
fn a_broken_configuration_is_told_by_commands_that_need_it_and_by_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    std::fs::write(dir.path().join("trunkline.toml"), "http.lisen = 'x'").unwrap();
    let broken = run(dir.path(), &[], &["key", "list"]);
    assert_eq!(broken.code, Some(78), "{}", broken.err);
    assert!(
        broken.err.contains("http.listen") && broken.err.contains("--endpoint-url"),
        "{}",
        broken.err
    );

    let credentials = dir.path().join("data/credentials");
    let endpoint = format!("http://{}", service.ready["http"].as_str().unwrap());
    let environment = [
        ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap()),
        ("AWS_PROFILE", "trunkline"),
    ];
    let elsewhere = ["key", "list", "--endpoint-url", &endpoint];
    run(dir.path(), &environment, &elsewhere).ok();
}
