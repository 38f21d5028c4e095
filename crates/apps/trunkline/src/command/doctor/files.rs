//! The data directory: whose it is, who can read its secrets, how much room and how fast its disk is.

use std::fs::OpenOptions;
use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use server::config::{SealKey, StorageConfig};

use super::finding::Finding;
use crate::screen::duration;

/// Room below which a warning is due, in bytes: a day of records at ten calls a second.
const ROOM_WANTED: u64 = 1 << 30;
/// A commit that takes longer holds up writers noticeably.
const SYNC_WANTED: Duration = Duration::from_millis(25);
/// Commits measured; the middle one counts.
const SYNCS: usize = 9;

pub(super) fn findings(storage: &StorageConfig) -> Vec<Finding> {
    let directory = storage.data_dir.as_path();
    if let Some(finding) = absent(directory) {
        return vec![finding];
    }
    let mut findings = vec![mode("data directory", directory, 0o700)];
    for (rule, path) in
        [("credentials", storage.credentials_file()), ("seal key", storage.seal_key_file.clone())]
    {
        if path.exists() {
            findings.push(mode(rule, &path, 0o600));
        } else if storage.seal_key == SealKey::Given && path == storage.seal_key_file {
            findings.push(Finding::bad(
                rule,
                format!("{} does not exist", path.display()),
                "seal.key_file must name the key that this database was made with",
            ));
        }
    }
    findings.extend(room(directory));
    findings.push(disk(directory, measured(directory)));
    findings
}

fn absent(directory: &Path) -> Option<Finding> {
    (!directory.exists()).then(|| {
        Finding::note(
            "data directory",
            format!("{} does not exist; the first `trunkline serve` makes it", directory.display()),
            "",
        )
    })
}

/// A secret that others may read is no secret.
fn mode(rule: &'static str, path: &Path, wanted: u32) -> Finding {
    let found = match std::fs::metadata(path) {
        Ok(metadata) => metadata.permissions().mode() & 0o777,
        Err(error) => {
            return Finding::bad(
                rule,
                format!("{} cannot be looked at: {error}", path.display()),
                "run this as the user that runs `trunkline serve`",
            );
        }
    };
    if found & !wanted == 0 {
        return Finding::good(rule, format!("{}, mode {found:04o}", path.display()));
    }
    Finding::bad(
        rule,
        format!("{} has mode {found:04o}: others can reach it", path.display()),
        format!("chmod {wanted:04o} {}", path.display()),
    )
}

fn room(directory: &Path) -> Option<Finding> {
    let found = rustix::fs::statvfs(directory).ok()?;
    Some(enough(found.f_bavail.saturating_mul(found.f_frsize)))
}

fn enough(free: u64) -> Finding {
    const RULE: &str = "room on disk";
    let gibibytes = free as f64 / f64::from(1 << 30);
    let seen = format!("{gibibytes:.1} GiB free");
    if free >= ROOM_WANTED {
        return Finding::good(RULE, seen);
    }
    Finding::warning(RULE, seen, "make room: when the disk is full, changes are answered 503")
}

/// How long a small durable write takes.
fn measured(directory: &Path) -> Result<Duration, Error> {
    let path = directory.join(format!(".doctor-{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    let mut one = || {
        let began = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        Ok(began.elapsed())
    };
    let times: Result<Vec<Duration>, Error> = (0..SYNCS).map(|_| one()).collect();
    // The probe is nothing to keep; a directory that does not let it go has been told of above.
    let _ = std::fs::remove_file(&path);
    let mut times = times?;
    times.sort_unstable();
    Ok(times[SYNCS / 2])
}

fn disk(directory: &Path, measured: Result<Duration, Error>) -> Finding {
    const RULE: &str = "disk";
    match measured {
        Ok(time) if time <= SYNC_WANTED => {
            Finding::good(RULE, format!("a durable write takes {}", duration(time)))
        }
        Ok(time) => Finding::warning(
            RULE,
            format!("a durable write takes {}", duration(time)),
            "put data_dir on a faster disk; each change of configuration waits for one",
        ),
        Err(error) => Finding::bad(
            RULE,
            format!("nothing can be written in {}: {error}", directory.display()),
            if error.kind() == ErrorKind::PermissionDenied {
                "run this as the user that runs `trunkline serve`"
            } else {
                "check the disk: whether it is full, and how it is mounted"
            },
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_secret_that_others_can_read_is_bad_and_the_remedy_closes_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("seal.key");
        std::fs::write(&path, "secret").unwrap();
        let set = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        set(0o640);
        let found = mode("seal key", &path, 0o600);
        assert_eq!(found.verdict, Verdict::Bad);
        assert_eq!(found.remedy, format!("chmod 0600 {}", path.display()));
        set(0o400);
        assert_eq!(mode("seal key", &path, 0o600).verdict, Verdict::Good);
    }

    #[test]
    fn the_probe_of_the_disk_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        assert!(measured(dir.path()).is_ok());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_that_is_not_there_cannot_be_written_in() {
        let found = disk(Path::new("/nowhere"), measured(Path::new("/nowhere")));
        assert_eq!(found.verdict, Verdict::Bad);
        assert!(found.seen.contains("/nowhere"));
    }

    #[test]
    fn little_room_is_a_warning() {
        assert_eq!(enough(ROOM_WANTED - 1).verdict, Verdict::Warning);
        assert_eq!(enough(ROOM_WANTED).verdict, Verdict::Good);
    }
}
