//! The format of the shared files: sections, keys, and keys with keys of their own.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

/// A parsed file. Its values may be secrets, so they are wiped on drop and not printed.
#[derive(Default)]
pub(super) struct Document {
    sections: BTreeMap<String, Section>,
}

/// One section.
#[derive(Default)]
pub(super) struct Section {
    values: BTreeMap<String, Value>,
}

#[derive(Default)]
struct Value {
    text: Zeroizing<String>,
    /// Indented lines below the key.
    nested: BTreeMap<String, Zeroizing<String>>,
}

/// Why a text is no such file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// From 1.
    pub(super) line: usize,
    pub(super) reason: &'static str,
}

impl Document {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let mut document = Self::default();
        let mut section: Option<String> = None;
        let mut key: Option<String> = None;
        for (at, line) in text.lines().enumerate() {
            let fault = |reason| Fault { line: at + 1, reason };
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            if let Some(rest) = line.strip_prefix('[') {
                let (name, _) = rest.split_once(']').ok_or(fault("a section has no closing ]"))?;
                let name = section_name(name);
                document.sections.entry(name.clone()).or_default();
                (section, key) = (Some(name), None);
                continue;
            }
            let name = section.as_ref().ok_or(fault("a setting stands before any [section]"))?;
            let current = document.sections.entry(name.clone()).or_default();
            if line.starts_with([' ', '\t']) {
                let parent = key.as_ref().ok_or(fault("an indented line has no key above it"))?;
                current.values.entry(parent.clone()).or_default().extend(trimmed);
                continue;
            }
            let (name, value) = setting(trimmed).ok_or(fault("a line is no `key = value`"))?;
            let text = Zeroizing::new(value.to_owned());
            current.values.insert(name.clone(), Value { text, nested: BTreeMap::new() });
            key = Some(name);
        }
        Ok(document)
    }

    /// A section by the words of its header: `default`, `profile work`, `services local`.
    pub(super) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.get(name)
    }
}

impl Section {
    /// A value; an empty one counts as absent.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.text.as_str()).filter(|text| !text.is_empty())
    }

    /// A value one level down: `chime_sdk_voice =` and below it `endpoint_url = …`.
    pub(super) fn get_nested(&self, key: &str, inner: &str) -> Option<&str> {
        let nested = &self.values.get(key)?.nested;
        nested.get(inner).map(|text| text.as_str()).filter(|text| !text.is_empty())
    }
}

impl Value {
    /// Takes an indented line: a nested setting, or more of the value itself.
    fn extend(&mut self, line: &str) {
        match setting(line) {
            Some((key, value)) if self.text.is_empty() => {
                self.nested.insert(key, Zeroizing::new(value.to_owned()));
            }
            _ => {
                self.text.push('\n');
                self.text.push_str(line);
            }
        }
    }
}

fn setting(line: &str) -> Option<(String, &str)> {
    let at = line.find(['=', ':'])?;
    let (key, value) = (line[..at].trim(), line[at + 1..].trim());
    (!key.is_empty()).then(|| (key.to_ascii_lowercase(), value))
}

/// `profile  "my work"` → `profile my work`.
fn section_name(header: &str) -> String {
    let header = header.trim();
    match header.split_once(char::is_whitespace) {
        Some((kind, name)) => {
            let name = name.trim();
            let unquoted = ['"', '\'']
                .iter()
                .find_map(|quote| name.strip_prefix(*quote).and_then(|it| it.strip_suffix(*quote)));
            format!("{kind} {}", unquoted.unwrap_or(name))
        }
        None => header.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sections_keys_comments_and_nested_keys_are_read() {
        let text = "# a comment\n[default]\nRegion=eu-west-1\n; another\n[profile \"my work\"]\n\
            services = local\nrole_arn : x\n\n[services local]\nchime_sdk_voice =\n  \
            endpoint_url = http://127.0.0.1:8060\ns3 =\n  endpoint_url = http://other\n";
        let document = Document::parse(text).unwrap();
        let section = |name: &str| document.section(name).unwrap();
        assert_eq!(section("default").get("region"), Some("eu-west-1"));
        assert_eq!(section("profile my work").get("services"), Some("local"));
        assert_eq!(section("profile my work").get("role_arn"), Some("x"));
        assert_eq!(
            section("services local").get_nested("chime_sdk_voice", "endpoint_url"),
            Some("http://127.0.0.1:8060")
        );
        assert_eq!(section("services local").get_nested("sqs", "endpoint_url"), None);
    }

    #[test]
    fn a_secret_may_hold_delimiters() {
        let document = Document::parse("[a]\naws_secret_access_key = k/=y:+==\n").unwrap();
        assert_eq!(document.section("a").unwrap().get("aws_secret_access_key"), Some("k/=y:+=="));
    }

    #[test]
    fn faults_are_told_by_line() {
        let fault = |text: &str| Document::parse(text).err().map(|it| it.line);
        assert_eq!(fault("[a\n"), Some(1));
        assert_eq!(fault("\nkey = value\n"), Some(2));
        assert_eq!(fault("[a]\nnonsense\n"), Some(2));
        assert_eq!(fault("[a]\n  b = c\n"), Some(2));
    }

    proptest! {
        /// Any text is a document or a fault, never a panic.
        #[test]
        fn any_text_is_parsed_or_refused(text in "([a-z =:\\[\\]\"#\n\t]|.){0,60}") {
            let _ = Document::parse(&text);
        }
    }
}
