//! JSON as it is committed: keys in order, short things on one line, so that a change is a short diff.

use serde_json::Value;

/// Longest line that a list or object may be put on.
const LINE_MAX: usize = 100;

/// The text of a document, whatever order its keys are kept in.
pub(super) fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out.push('\n');
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    let line = compact(value);
    if depth * 2 + line.len() <= LINE_MAX && depth > 0 {
        out.push_str(&line);
        return;
    }
    match value {
        Value::Array(elements) if !elements.is_empty() => {
            let elements = elements.iter().map(|it| (None, it)).collect();
            block('[', ']', elements, depth, out);
        }
        Value::Object(members) if !members.is_empty() => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            let members = members.into_iter().map(|(key, it)| (Some(key.as_str()), it)).collect();
            block('{', '}', members, depth, out);
        }
        Value::Array(_)
        | Value::Object(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_) => out.push_str(&line),
    }
}

/// One entry a line.
fn block(
    open: char,
    close: char,
    entries: Vec<(Option<&str>, &Value)>,
    depth: usize,
    out: &mut String,
) {
    let indent = "  ".repeat(depth + 1);
    out.push(open);
    for (at, (key, value)) in entries.into_iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        out.push_str(&indent);
        if let Some(key) = key {
            out.push_str(&Value::from(key).to_string());
            out.push_str(": ");
        }
        write(value, depth + 1, out);
    }
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
    out.push(close);
}

/// All of a value on one line.
fn compact(value: &Value) -> String {
    match value {
        Value::Array(elements) => {
            format!("[{}]", elements.iter().map(compact).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .map(|(key, it)| format!("{}: {}", Value::from(key.as_str()), compact(it)))
                .collect();
            members.sort();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_in_order_and_short_things_on_one_line() {
        let value = json!({ "b": [1, 2], "a": { "y": null, "x": "\"" }, "c": ["x".repeat(60), "y".repeat(60)] });
        let text = pretty(&value);
        let expected = format!(
            "{{\n  \"a\": {{ \"x\": \"\\\"\", \"y\": null }},\n  \"b\": [1, 2],\n  \"c\": [\n    \"{}\",\n    \"{}\"\n  ]\n}}\n",
            "x".repeat(60),
            "y".repeat(60)
        );
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
