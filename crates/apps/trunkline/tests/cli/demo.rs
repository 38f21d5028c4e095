//! `trunkline demo`, the path of every newcomer.

use crate::world::run;

#[test]
fn the_demo_holds_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let told = run(dir.path(), &[], &["demo"]).ok();
    for wanted in [
        "CreateVoiceConnector",
        "PutVoiceConnectorTermination ",
        "refused with 403",
        "PutVoiceConnectorTerminationCredentials",
        "407 Proxy Authentication Required",
        "INVITE + credentials",
        "1 kHz tone",
        "HEARD FROM",
        "office-pbx",
        "put_voice_connector_termination_credentials(VoiceConnectorId=",
        "all 9 steps held",
    ] {
        assert!(told.contains(wanted), "{wanted}\n{told}");
    }
    assert!(!told.contains('\x1b'), "no colour goes into a pipe");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "the private service is gone");
}

#[test]
fn the_demo_for_programs_is_one_document() {
    let dir = tempfile::tempdir().unwrap();
    let told = run(dir.path(), &[], &["demo", "--output", "json"]).json();
    assert_eq!(told["ok"], true);
    assert!(told["steps"].as_array().unwrap().iter().all(|it| it["ok"] == true));
    let messages: Vec<&str> = told["ladder"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["message"].as_str().unwrap())
        .collect();
    assert!(messages.contains(&"407 Proxy Authentication Required"), "{messages:?}");
    assert_eq!(told["record"]["state"], "completed");
    assert_eq!(told["boto3"].as_array().unwrap().len(), 3);
}

#[test]
fn nothing_of_the_environment_counts_for_the_demo() {
    let dir = tempfile::tempdir().unwrap();
    let environment = [
        ("TRUNKLINE_HTTP__LISTEN", "nonsense"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_SECRET_ACCESS_KEY", "wrong"),
    ];
    run(dir.path(), &environment, &["demo", "--output", "json"]).ok();
}
