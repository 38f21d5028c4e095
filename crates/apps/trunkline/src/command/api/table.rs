//! A list as a table: a row for each item, a column for each member that says something.

use chime_api::shape::{Kind, Member};
use serde_json::Value;

use super::pages::List;
use crate::screen::Table;

/// The table of a list's items. Members that no item has, ARNs (they repeat the id), structures and
/// the time of the last change are left out: `--output json` shows all.
pub(super) fn table(list: List, items: &[Value]) -> Table {
    if !matches!(list.element.kind, Kind::Structure(_)) {
        let mut table = Table::new([list.member]);
        items.iter().for_each(|it| table.row([cell(it).into()]));
        return table;
    }
    let is_told = |member: &&Member| {
        !member.name.ends_with("Arn")
            && member.name != "UpdatedTimestamp"
            && !matches!(member.shape.kind, Kind::Structure(_) | Kind::Map { .. })
            && items.iter().any(|it| !it[member.name].is_null())
    };
    let mut columns: Vec<&'static str> =
        list.element.members().iter().filter(is_told).map(|it| it.name).collect();
    columns.sort_by_key(|name| rank(list.element.name, name));
    let mut table = Table::new(columns.clone());
    for item in items {
        let cells: Vec<_> = columns.iter().map(|name| cell(&item[*name]).into()).collect();
        table.row(cells);
    }
    table
}

/// What an item is known by comes first, and when it was made last; the rest is in order of names.
fn rank(element: &str, name: &str) -> u8 {
    match name {
        "Name" => 1,
        _ if name.strip_suffix("Id") == Some(element) => 0,
        _ if name.ends_with("Timestamp") => 3,
        _ => 2,
    }
}

/// A value in one line. What would steer a terminal is shown as an escape.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.chars().flat_map(visible).collect(),
        Value::Array(items) if items.iter().any(Value::is_object) => match items.len() {
            1 => "1 item".into(),
            count => format!("{count} items"),
        },
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

fn visible(letter: char) -> Vec<char> {
    if letter.is_control() { letter.escape_default().collect() } else { vec![letter] }
}

#[cfg(test)]
mod tests {
    use chime_api::Operation;
    use serde_json::json;

    use super::*;
    use crate::screen::Colour;

    fn lines(operation: Operation, items: &Value) -> Vec<String> {
        let list = List::of(operation).unwrap();
        table(list, items.as_array().unwrap()).lines(Colour::Off)
    }

    #[test]
    fn a_row_is_an_item_and_a_column_a_member_that_says_something() {
        let items = json!([
            { "VoiceConnectorGroupId": "g1", "Name": "both", "VoiceConnectorGroupArn": "arn:…",
              "CreatedTimestamp": "2026-11-23T10:11:12.345Z",
              "VoiceConnectorItems": [{ "VoiceConnectorId": "a", "Priority": 1 }] },
            { "VoiceConnectorGroupId": "g2", "Name": "no\u{1b}ne", "VoiceConnectorItems": [] },
        ]);
        assert_eq!(
            lines(Operation::ListVoiceConnectorGroups, &items),
            [
                "VoiceConnectorGroupId  Name        VoiceConnectorItems  CreatedTimestamp",
                "g1                     both        1 item               2026-11-23T10:11:12.345Z",
                "g2                     no\\u{1b}ne",
            ]
        );
    }

    #[test]
    fn plain_texts_are_one_column() {
        assert_eq!(
            lines(Operation::ListVoiceConnectorTerminationCredentials, &json!(["pbx", "lab"])),
            ["Usernames", "pbx", "lab"]
        );
    }
}
