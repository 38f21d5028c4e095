//! `trunkline api`: inputs from everywhere, lists as tables, pages to their end.

use serde_json::json;

use crate::world::Service;

fn make(service: &Service, name: &str) {
    let input = json!({ "Name": name, "RequireEncryption": false }).to_string();
    service.run(&["api", "CreateVoiceConnector", "--json", &input]).ok();
}

#[test]
fn the_members_come_from_standard_input_when_json_is_a_dash() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    let input = r#"{"Name":"from a pipe","RequireEncryption":true}"#;
    let made = service.run_fed(&["api", "create-voice-connector", "--json", "-"], input).json();
    assert_eq!(made["VoiceConnector"]["Name"], "from a pipe");
}

#[test]
fn a_list_is_a_table_for_people_and_a_document_for_programs() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    let list = ["api", "ListVoiceConnectors"];
    assert_eq!(service.run(&list).ok().trim(), "no VoiceConnectors");
    make(&service, "office");
    make(&service, "branch");
    let table = service.run(&list).ok();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[0].starts_with("VoiceConnectorId"), "{table}");
    assert!(lines[0].contains("OutboundHostName") && !table.contains("arn:aws"), "{table}");
    assert!(table.contains("office") && table.contains("branch"), "{table}");
    let document = service.run(&[&list[..], &["--output", "json"]].concat()).json();
    assert_eq!(document["VoiceConnectors"].as_array().unwrap().len(), 2);
}

#[test]
fn all_follows_the_pages_to_their_end() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path());
    for n in 0..5 {
        make(&service, &format!("c{n}"));
    }
    let page = ["api", "list-voice-connectors", "--json", r#"{"MaxResults":2}"#];
    let first = service.run(&page).ok();
    assert_eq!(first.lines().count(), 4, "{first}");
    assert!(first.contains("more with --all"), "{first}");
    let all = [&page[..], &["--all"]].concat();
    assert_eq!(service.run(&all).ok().lines().count(), 6);
    let document = service.run(&[&all[..], &["--output", "json"]].concat()).json();
    assert_eq!(document["VoiceConnectors"].as_array().unwrap().len(), 5);
    assert!(document.get("NextToken").is_none());
}
