//! Where durable state lives.

use std::path::PathBuf;
use std::time::Duration;

use store::Retention;

use super::key::{Key, Shape};
use super::problem::Problem;
use super::settings::Settings;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) const KEYS: &[Key] = &[
    Key::text(
        "data_dir",
        "./trunkline-data",
        "Directory of the database, the first credentials and the sealing key; made with mode 0700.",
    ),
    Key::unset(
        "database.url",
        Shape::Text,
        "Another place for the database: sqlite:PATH. Unset, it is trunkline.db in data_dir.",
    ),
    Key::unset(
        "seal.key_file",
        Shape::Text,
        "Key that seals secrets at rest. Unset, it is seal.key in data_dir, made on the first start.",
    ),
    Key::integer(
        "records.days_max",
        "90",
        "Days after its start at which a call record is deleted; looked for every hour.",
    ),
    Key::integer(
        "records.count_max",
        "10000000",
        "Call records that are kept at most; the oldest go first.",
    ),
    Key::integer(
        "audit.records_max",
        "1000000",
        "Audit records that are kept; the oldest go first. About 400 bytes each.",
    ),
    Key::integer("audit.age_max_days", "400", "Days that an audit record is kept."),
];

/// Files of durable state. A value of this type has passed its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageConfig {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The SQLite database.
    pub database: PathBuf,
    /// The key that seals secrets.
    pub seal_key_file: PathBuf,
    /// Whether the sealing key is ours to make, as it is in the data directory.
    pub seal_key: SealKey,
    /// How long call records are kept.
    pub retention: Retention,
    /// How long audit records are kept.
    pub audit_retention: Retention,
}

/// Who makes the sealing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealKey {
    /// Made on the first start.
    Ours,
    /// Given by the operator; a missing file is an error, never a reason to make another key.
    Given,
}

impl StorageConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, Problem> {
        let data_dir = settings
            .path("data_dir")?
            .ok_or_else(|| settings.refuse("data_dir", "it must be the path of a directory"))?;
        let given = settings.path("seal.key_file")?;
        Ok(Self {
            database: database(settings)?.unwrap_or_else(|| data_dir.join("trunkline.db")),
            seal_key: if given.is_some() { SealKey::Given } else { SealKey::Ours },
            seal_key_file: given.unwrap_or_else(|| data_dir.join("seal.key")),
            retention: Retention {
                age_max: DAY * settings.integer("records.days_max", 1..=36_500)?,
                count_max: settings.integer("records.count_max", 1_000..=1_000_000_000)?,
            },
            data_dir,
            audit_retention: Retention {
                count_max: settings.integer("audit.records_max", 1_000..=100_000_000)?,
                age_max: DAY * settings.integer("audit.age_max_days", 1..=36_500)?,
            },
        })
    }

    /// The file that the first access key is written to.
    pub fn credentials_file(&self) -> PathBuf {
        self.data_dir.join("credentials")
    }
}

fn database(settings: &Settings) -> Result<Option<PathBuf>, Problem> {
    const KEY: &str = "database.url";
    let Some(url) = settings.text(KEY) else { return Ok(None) };
    let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
    if matches!(&*scheme, "postgres" | "postgresql") {
        // The URL may hold a password, so it is not repeated.
        settings.not_yet(
            KEY,
            "PostgreSQL comes with a later release; remove the key to use the embedded database",
        )?;
    }
    let path = url.strip_prefix("sqlite:").map(|rest| rest.strip_prefix("//").unwrap_or(rest));
    if let Some(path) = path.filter(|it| !it.is_empty()) {
        return Ok(Some(path.into()));
    }
    let rule = "it must be sqlite: and a path, such as sqlite:/srv/trunk.db";
    let mut problem = settings.refuse(KEY, rule);
    if let Problem::Refused { seen, .. } = &mut problem
        && url.contains('@')
    {
        *seen = "(a URL that may hold a password)".into();
    }
    Err(problem)
}

#[cfg(test)]
mod tests {
    use store::Retention;

    use crate::config::{Config, Sources};

    #[test]
    fn call_records_are_kept_for_as_long_as_the_operator_says() {
        let retention = |text| Config::load(Sources::text(text)).map(|it| it.storage.retention);
        assert_eq!(retention("").unwrap(), Retention::default());
        let short = retention("records.days_max = 7\nrecords.count_max = 5000").unwrap();
        assert_eq!((short.age_max.as_secs(), short.count_max), (7 * 86_400, 5000));
        for bad in ["records.days_max = 0", "records.count_max = 10"] {
            assert!(retention(bad).unwrap_err().to_string().contains("records."), "{bad}");
        }
    }

    #[test]
    fn a_refused_database_url_does_not_show_its_password() {
        for scheme in ["postgres", "Postgres", "postgresql", "mysql"] {
            let text = format!("database.url = '{scheme}://trunk:hunter2@db.example.net/trunk'");
            let refused = Config::load(Sources::text(&text)).unwrap_err().to_string();
            assert!(refused.contains("database.url"), "{refused}");
            assert!(!refused.contains("hunter2"), "{refused}");
        }
    }
}
