//! Layers of settings: defaults, then the file, then the environment, then flags; the last one wins
//! and each value remembers where it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::key::{Key, Shape, VARIABLE_PREFIX, edits, nearest};
use super::problem::Problem;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of the configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// An environment variable, by its name.
    Environment(String),
    /// A flag of the command line, as written: `--data-dir`.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(variable) => write!(f, "{variable}"),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

/// A value in the shape of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Flag(bool),
    /// Texts.
    List(Vec<String>),
}

impl fmt::Display for Value {
    /// As TOML writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", toml::Value::from(text.as_str())),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::List(items) => {
                let items: Vec<_> =
                    items.iter().map(|it| toml::Value::from(it.as_str()).to_string()).collect();
                write!(f, "[{}]", items.join(", "))
            }
        }
    }
}

/// A key as it stands after all layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: &'static Key,
    /// Its value; `None` if it has none.
    pub value: Option<Value>,
    /// Where the value came from.
    pub origin: Origin,
}

/// Every key with its value and origin.
#[derive(Debug, Clone)]
pub struct Settings(BTreeMap<&'static str, Setting>);

impl Settings {
    /// Every key at its default.
    pub(super) fn defaults(keys: impl Iterator<Item = &'static Key>) -> Self {
        let at_default = |key: &'static Key| {
            let value = key.default.map(|text| {
                read_text(key, text, &Origin::Default).expect("defaults fit their keys")
            });
            (key.path, Setting { key, value, origin: Origin::Default })
        };
        Self(keys.map(at_default).collect())
    }

    /// Lays a configuration file over what is there.
    pub(super) fn overlay_file(&mut self, path: &Path, text: &str, problems: &mut Vec<Problem>) {
        match DeTable::parse(text) {
            Ok(table) => {
                let file = File { path, text };
                file.overlay(self, table.get_ref(), "", problems);
            }
            Err(error) => problems.push(Problem::Syntax {
                path: path.into(),
                line: line_of(text, error.span().map_or(0, |span| span.start)),
                message: error.message().into(),
            }),
        }
    }

    /// Lays environment variables over what is there.
    ///
    /// A variable with our prefix that no key has is a problem if it nests (`__`) or is nearly a
    /// key's name. Others are left alone: container platforms make variables such as
    /// `TRUNKLINE_SERVICE_HOST` on their own.
    pub(super) fn overlay_environment(
        &mut self,
        variables: impl Iterator<Item = (String, String)>,
        problems: &mut Vec<Problem>,
    ) {
        for (name, text) in variables.filter(|(name, _)| name.starts_with(VARIABLE_PREFIX)) {
            let key = self.0.values().map(|it| it.key).find(|key| key.variable() == name);
            if let Some(key) = key {
                let origin = Origin::Environment(name);
                match read_text(key, &text, &origin) {
                    Ok(value) => self.set(key, value, origin),
                    Err(problem) => problems.push(problem),
                }
            } else if let Some(problem) = self.stray_variable(&name) {
                problems.push(problem);
            }
        }
    }

    fn stray_variable(&self, name: &str) -> Option<Problem> {
        let close = self.0.values().any(|it| edits(name, &it.key.variable()) <= 2);
        let nests = name.contains("__");
        (close || nests).then(|| {
            let typed = name[VARIABLE_PREFIX.len()..].replace("__", ".").to_ascii_lowercase();
            let nearest = nearest(&typed, self.0.keys().copied());
            Problem::UnknownKey { origin: Origin::Environment(name.into()), key: typed, nearest }
        })
    }

    /// Lays one flag of the command line over what is there.
    pub(super) fn overlay_flag(&mut self, path: &str, value: Value, flag: &'static str) {
        let key = self.0[path].key;
        self.set(key, value, Origin::Flag(flag));
    }

    fn set(&mut self, key: &'static Key, value: Value, origin: Origin) {
        self.0.insert(key.path, Setting { key, value: Some(value), origin });
    }

    /// Every setting, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.0.values()
    }

    /// One setting. The path is one of the table's.
    pub(super) fn get(&self, path: &str) -> &Setting {
        &self.0[path]
    }

    /// Refuses the value that a key has.
    pub(super) fn refuse(&self, path: &str, rule: impl Into<String>) -> Problem {
        let Setting { key, value, origin } = self.get(path);
        let seen = value.as_ref().map_or_else(|| "(unset)".into(), Value::to_string);
        Problem::Refused { origin: origin.clone(), key: key.path, seen, rule: rule.into() }
    }

    /// Refuses a key that is set, because this release cannot act on it.
    pub(super) fn not_yet(&self, path: &str, remedy: &'static str) -> Result<(), Problem> {
        let Setting { key, value, origin } = self.get(path);
        match value {
            None => Ok(()),
            Some(_) => Err(Problem::NotYet { origin: origin.clone(), key: key.path, remedy }),
        }
    }

    pub(super) fn text(&self, path: &str) -> Option<&str> {
        match &self.get(path).value {
            Some(Value::Text(text)) => Some(text),
            Some(Value::Integer(_) | Value::Flag(_) | Value::List(_)) | None => None,
        }
    }

    pub(super) fn list(&self, path: &str) -> &[String] {
        match &self.get(path).value {
            Some(Value::List(items)) => items,
            Some(Value::Integer(_) | Value::Flag(_) | Value::Text(_)) | None => &[],
        }
    }

    pub(super) fn flag(&self, path: &str) -> Option<bool> {
        match &self.get(path).value {
            Some(Value::Flag(flag)) => Some(*flag),
            Some(Value::Integer(_) | Value::Text(_) | Value::List(_)) | None => None,
        }
    }

    /// The whole number of a key that has a default, within a range.
    pub(super) fn integer<T>(&self, path: &str, range: RangeInclusive<T>) -> Result<T, Problem>
    where
        T: TryFrom<i64> + PartialOrd + fmt::Display,
    {
        let number = match &self.get(path).value {
            Some(Value::Integer(number)) => T::try_from(*number).ok(),
            Some(Value::Flag(_) | Value::Text(_) | Value::List(_)) | None => None,
        };
        number.filter(|it| range.contains(it)).ok_or_else(|| {
            self.refuse(path, format!("it must be from {} to {}", range.start(), range.end()))
        })
    }

    pub(super) fn millis(
        &self,
        path: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Duration, Problem> {
        self.integer(path, range).map(Duration::from_millis)
    }

    pub(super) fn seconds(
        &self,
        path: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Duration, Problem> {
        self.integer(path, range).map(Duration::from_secs)
    }

    /// The address and port of a key that has a default.
    pub(super) fn socket(&self, path: &str) -> Result<SocketAddr, Problem> {
        let rule = "it must be an IP address and a port, such as 127.0.0.1:8060 or [::1]:8060; \
                    port 0 means any free one";
        self.text(path).and_then(|it| it.parse().ok()).ok_or_else(|| self.refuse(path, rule))
    }

    /// The IP address of a key, if it is set.
    pub(super) fn ip(&self, path: &str) -> Result<Option<IpAddr>, Problem> {
        let rule = "it must be an IP address, such as 192.0.2.10 or 2001:db8::10";
        let read = |text: &str| text.parse().map_err(|_| self.refuse(path, rule));
        self.text(path).map(read).transpose()
    }

    /// The path of a key, if it is set.
    pub(super) fn path(&self, path: &str) -> Result<Option<PathBuf>, Problem> {
        match self.text(path) {
            Some("") => Err(self.refuse(path, "a path must not be empty; remove the key instead")),
            text => Ok(text.map(PathBuf::from)),
        }
    }
}

/// A configuration file being read.
struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn overlay(
        &self,
        settings: &mut Settings,
        table: &DeTable<'_>,
        prefix: &str,
        problems: &mut Vec<Problem>,
    ) {
        for (name, value) in table.iter() {
            let path = format!("{prefix}{}", name.get_ref());
            let line = line_of(self.text, name.span().start);
            let origin = Origin::File { path: self.path.into(), line };
            let key = settings.0.get(path.as_str()).map(|it| it.key);
            match (key, value.get_ref()) {
                (Some(key), value) => match read_value(key, value, &origin) {
                    Ok(value) => settings.set(key, value, origin),
                    Err(problem) => problems.push(problem),
                },
                (None, DeValue::Table(inner)) if settings.has_section(&path) => {
                    self.overlay(settings, inner, &format!("{path}."), problems);
                }
                (None, _) => {
                    let nearest = settings.nearest_name(&path);
                    problems.push(Problem::UnknownKey { origin, key: path, nearest });
                }
            }
        }
    }
}

impl Settings {
    fn has_section(&self, path: &str) -> bool {
        self.0.keys().any(|key| key.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
    }

    /// The key or the section whose name is nearest.
    fn nearest_name(&self, typed: &str) -> Option<&'static str> {
        let sections = self.0.keys().filter_map(|key| key.rfind('.').map(|dot| &key[..dot]));
        nearest(typed, self.0.keys().copied().chain(sections))
    }
}

fn read_value(key: &'static Key, value: &DeValue<'_>, origin: &Origin) -> Result<Value, Problem> {
    let wrong = || Problem::WrongShape {
        origin: origin.clone(),
        key: key.path,
        wanted: key.shape.described(),
        found: described(value).into(),
    };
    match (key.shape, value) {
        (Shape::Text, DeValue::String(text)) => Ok(Value::Text(text.as_ref().into())),
        (Shape::Flag, DeValue::Boolean(flag)) => Ok(Value::Flag(*flag)),
        (Shape::Integer, DeValue::Integer(number)) => {
            i64::from_str_radix(number.as_str(), number.radix())
                .map(Value::Integer)
                .map_err(|_| wrong())
        }
        (Shape::List, DeValue::Array(items)) => items
            .iter()
            .map(|item| match item.get_ref() {
                DeValue::String(text) => Ok(text.as_ref().to_owned()),
                DeValue::Integer(_)
                | DeValue::Float(_)
                | DeValue::Boolean(_)
                | DeValue::Datetime(_)
                | DeValue::Array(_)
                | DeValue::Table(_) => Err(wrong()),
            })
            .collect::<Result<_, _>>()
            .map(Value::List),
        (Shape::Text | Shape::Integer | Shape::Flag | Shape::List, _) => Err(wrong()),
    }
}

fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Reads the text of an environment variable or a default in the shape of its key.
fn read_text(key: &'static Key, text: &str, origin: &Origin) -> Result<Value, Problem> {
    let wrong = || Problem::WrongShape {
        origin: origin.clone(),
        key: key.path,
        wanted: key.shape.described(),
        found: format!("\"{text}\""),
    };
    match key.shape {
        Shape::Text => Ok(Value::Text(text.into())),
        Shape::Integer => text.parse().map(Value::Integer).map_err(|_| wrong()),
        Shape::Flag => text.parse().map(Value::Flag).map_err(|_| wrong()),
        // As in the file, or plainly separated by commas.
        Shape::List if text.trim_start().starts_with('[') => {
            let value = DeValue::parse(text.trim()).map_err(|_| wrong())?;
            read_value(key, value.get_ref(), origin)
        }
        Shape::List => {
            let items = text.split(',').map(str::trim).filter(|it| !it.is_empty());
            Ok(Value::List(items.map(Into::into).collect()))
        }
    }
}

/// The line that a byte of the text stands in, counted from 1.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|b| *b == b'\n').count()
}
