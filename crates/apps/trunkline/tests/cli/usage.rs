//! Help, wrong usage, and what the terminal is spared.

use crate::world::{run, run_into};

/// Every command, as it is typed.
const COMMANDS: &[&[&str]] = &[
    &["demo"],
    &["serve"],
    &["api"],
    &["key"],
    &["key", "create"],
    &["key", "list"],
    &["key", "disable"],
    &["key", "enable"],
    &["key", "delete"],
    &["carrier"],
    &["carrier", "add"],
    &["carrier", "list"],
    &["carrier", "show"],
    &["carrier", "remove"],
    &["number"],
    &["number", "add"],
    &["number", "list"],
    &["number", "remove"],
    &["call"],
    &["calls"],
    &["explain"],
    &["trace"],
    &["route-test"],
    &["doctor"],
    &["backup"],
    &["restore"],
    &["quota"],
    &["quota", "list"],
    &["quota", "set"],
    &["quota", "reset"],
    &["audit"],
    &["audit", "export"],
    &["key", "policy"],
    &["config"],
    &["config", "check"],
    &["config", "print"],
    &["seal"],
    &["seal", "rotate"],
    &["completions"],
];

#[test]
fn every_command_has_help_with_an_example_and_the_common_options() {
    let dir = tempfile::tempdir().unwrap();
    for command in COMMANDS {
        let help = run(dir.path(), &[], &[command, &["--help"][..]].concat()).ok();
        for wanted in ["Example", "--output", "--endpoint-url", "--profile"] {
            assert!(help.contains(wanted), "{command:?}: {wanted}");
        }
    }
}

#[test]
fn wrong_usage_exits_2() {
    let dir = tempfile::tempdir().unwrap();
    for wrong in [
        &["nonsense"][..],
        &["calls", "--limit", "0"],
        &["number", "add"],
        &["api"],
        &["api", "ListVoiceConnectors", "--json", "{}", "--json-file", "x"],
        &["call", "--from", "+12065550150", "--to", "+12065550100", "--username", "pbx"],
        &["number", "add", "+12065550150", "--account", "12"],
        &["api", "ListVoiceConectors"],
        &["api", "GetVoiceConnector", "--all"],
        &["completions", "tcsh"],
        &["calls", "--endpoint-url", "ftp://127.0.0.1"],
    ] {
        let done = run(dir.path(), &[], wrong);
        assert_eq!(done.code, Some(2), "{wrong:?}: {}{}", done.out, done.err);
    }
}

#[test]
fn a_mistyped_operation_is_answered_with_the_one_that_was_meant() {
    let dir = tempfile::tempdir().unwrap();
    let done = run(dir.path(), &[], &["api", "list-voice-conectors"]);
    assert!(done.err.contains("did you mean ListVoiceConnectors"), "{}", done.err);
}

#[test]
fn the_list_of_operations_has_all_of_them_with_their_state() {
    let dir = tempfile::tempdir().unwrap();
    let listed = run(dir.path(), &[], &["api", "--list", "--output", "json"]).json();
    let operations = listed["operations"].as_array().unwrap();
    assert_eq!(operations.len(), 96);
    let state = |name: &str| {
        let found = operations.iter().find(|it| it["operation"] == name).unwrap();
        found["implemented"].as_bool().unwrap()
    };
    assert!(state("PutVoiceConnectorTerminationCredentials"));
    let family = |name: &str| {
        operations.iter().find(|it| it["operation"] == name).unwrap()["family"].clone()
    };
    assert_eq!(family("CreateSipRule"), "sip-media-applications");
    let text = run(dir.path(), &[], &["api", "--list"]).ok();
    assert!(text.contains("of 96 operations are implemented"), "{text}");
}

#[test]
fn the_help_of_api_tells_the_families() {
    let dir = tempfile::tempdir().unwrap();
    let help = run(dir.path(), &[], &["api", "--help"]).ok();
    for family in ["connectors ", "termination ", "phone-numbers ", "voice-analysis ", "tags "] {
        assert!(help.contains(&format!("\n  {family}")), "{family}: {help}");
    }
    assert!(!help.contains("ListVoiceConnectorGroups"), "two hundred names are no help: {help}");
}

#[test]
fn every_shell_completes_commands_and_both_spellings_of_operations() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(dir.path(), &[], &["completions", shell]).ok();
        for word in ["explain", "endpoint-url", "PutVoiceConnectorTermination", "create-sip-rule"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn bash_completes_the_name_of_an_operation() {
    let dir = tempfile::tempdir().unwrap();
    let script = run(dir.path(), &[], &["completions", "bash"]).ok();
    std::fs::write(dir.path().join("completions"), script).unwrap();
    let typed = "source ./completions; COMP_WORDS=(trunkline api ListVoiceProfile); COMP_CWORD=2; \
                 _trunkline trunkline ListVoiceProfile api; echo ${COMPREPLY[@]}";
    let bash = std::process::Command::new("bash")
        .args(["-c", typed])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let offered = String::from_utf8(bash.stdout).unwrap();
    assert_eq!(offered.trim(), "ListVoiceProfileDomains ListVoiceProfiles");
}

#[test]
fn no_colour_goes_into_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    for command in [&["api", "--list"][..], &["config", "print"]] {
        assert!(!run(dir.path(), &[], command).ok().contains('\x1b'), "{command:?}");
    }
    assert!(!run(dir.path(), &[], &["explain", "last"]).err.contains('\x1b'));
}

#[test]
fn output_that_could_not_be_written_is_a_failure_and_a_closed_pipe_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let done = run_into(dir.path(), full.into(), &["api", "--list"]);
    assert_eq!(done.code, Some(1), "{}", done.err);
    assert!(done.err.contains("standard output"), "{}", done.err);

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let done = run_into(dir.path(), writer.into(), &["api", "--list"]);
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""));
}

#[test]
fn an_endpoint_that_nobody_listens_at_is_named_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let environment = [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    let done =
        run(dir.path(), &environment, &["--endpoint-url", "http://127.0.0.1:9", "key", "list"]);
    assert_eq!(done.code, Some(1));
    assert!(
        done.err.contains("http://127.0.0.1:9") && done.err.contains("is it running"),
        "{}",
        done.err
    );
}

#[test]
fn missing_credentials_are_told_with_where_to_find_them() {
    let dir = tempfile::tempdir().unwrap();
    let done = run(dir.path(), &[], &["key", "list"]);
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("trunkline-data/credentials"), "{}", done.err);
    assert!(done.err.contains("AWS_SHARED_CREDENTIALS_FILE"), "{}", done.err);
}
