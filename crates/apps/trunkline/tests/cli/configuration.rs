//! `trunkline config` and what a bad configuration comes to.

use crate::world::run;

#[test]
fn a_good_configuration_checks_and_a_bad_one_exits_78_with_every_problem() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &[], &["config", "check"]).ok();
    std::fs::write(dir.path().join("trunkline.toml"), "[http]\nlisen = 'x'\n[sip]\ndomian = 'y'\n")
        .unwrap();
    let done = run(dir.path(), &[], &["config", "check"]);
    assert_eq!(done.code, Some(78));
    for told in ["trunkline.toml:2", "did you mean \"http.listen\"", "did you mean \"sip.domain\""]
    {
        assert!(done.err.contains(told), "{told}: {}", done.err);
    }
}

#[test]
fn a_service_with_a_bad_configuration_does_not_start_and_exits_78() {
    let dir = tempfile::tempdir().unwrap();
    let environment = [("TRUNKLINE_HTTP__LISTEN", "0.0.0.0:8060")];
    let done = run(dir.path(), &environment, &["serve"]);
    assert_eq!(done.code, Some(78));
    assert!(done.err.contains("http.allow_plaintext"), "{}", done.err);
    assert!(!dir.path().join("trunkline-data").exists());
}

#[test]
fn every_key_is_printed_with_its_value_and_origin() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("other.toml");
    std::fs::write(&file, "sip.t1_ms = 250\n").unwrap();
    let environment = [("TRUNKLINE_LOG__LEVEL", "debug")];
    let arguments =
        ["config", "print", "--config", "other.toml", "--data-dir", "d", "--output", "json"];
    let printed = run(dir.path(), &environment, &arguments).json();
    let key = |path: &str| {
        let keys = printed["keys"].as_array().unwrap();
        let found = keys.iter().find(|it| it["key"] == path).unwrap().clone();
        (found["value"].clone(), found["origin"].as_str().unwrap().to_owned())
    };
    assert_eq!(key("sip.t1_ms"), (250.into(), "other.toml:1".into()));
    assert_eq!(key("log.level"), ("debug".into(), "TRUNKLINE_LOG__LEVEL".into()));
    assert_eq!(key("data_dir"), ("d".into(), "--data-dir".into()));
    assert_eq!(key("http.listen"), ("127.0.0.1:8060".into(), "default".into()));
    assert_eq!(key("carriers.simulated"), (serde_json::Value::Null, "default".into()));
}

#[test]
fn a_certificate_that_is_not_there_exits_78_before_anything_is_begun() {
    let dir = tempfile::tempdir().unwrap();
    let environment =
        [("TRUNKLINE_HTTP__TLS__CERT", "absent.pem"), ("TRUNKLINE_HTTP__TLS__KEY", "key.pem")];
    for command in [&["serve"][..], &["config", "check"]] {
        let done = run(dir.path(), &environment, command);
        assert_eq!(done.code, Some(78), "{}", done.err);
        let blamed = "TRUNKLINE_HTTP__TLS__CERT: http.tls.cert = \"absent.pem\" is refused";
        assert!(done.err.contains(blamed), "{}", done.err);
    }
    assert!(!dir.path().join("trunkline-data").exists());
}
