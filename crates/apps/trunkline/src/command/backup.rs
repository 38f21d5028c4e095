//! `trunkline backup`: all durable state in one file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use api::operator::dto::{Backup, BackupState};
use chime_api::Timestamp;
use http::Method;
use serde_json::json;
use server::backup::backup_offline;
use store::backup::{Incoming, Manifest, Progress, Seen, inspect};

use crate::cli::{BackupArgs, Common, OutputForm, ServeArgs};
use crate::connection::{Connection, with_causes};
use crate::failure::Failure;
use crate::screen::Screen;

/// How often it is looked how far it is.
const LOOK: Duration = Duration::from_millis(200);

/// Runs the command.
pub(crate) async fn run(screen: &Screen, common: &Common, args: BackupArgs) -> Result<(), Failure> {
    let BackupArgs { file, inspect: only_look, data_dir, config } = args;
    if only_look {
        show(screen, &file, &inspect(&file).map_err(Failure::of)?);
        return Ok(());
    }
    let manifest = if data_dir.is_some() || config.is_some() {
        offline(screen, &file, ServeArgs { config, data_dir }).await?
    } else {
        fetch(screen, &Connection::open(common)?, &file).await?
    };
    match screen.form {
        OutputForm::Json => show(screen, &file, &manifest),
        OutputForm::Text => screen.done(&format!(
            "{} holds everything up to revision {} ({}); its secrets open with the seal key alone, so keep \
             a copy of seal.key apart from it",
            file.display(),
            manifest.revision,
            size(file.metadata().map_or(0, |it| it.len())),
        )),
    }
    Ok(())
}

async fn offline(screen: &Screen, file: &Path, args: ServeArgs) -> Result<Manifest, Failure> {
    let storage = super::config::load(args)?.storage;
    let (progress, file) = (Progress::default(), file.to_owned());
    let watched = progress.clone();
    watching(screen, &watched, move || backup_offline(&storage, file, progress))
        .await
        .map_err(Failure::of)
}

/// Does work that blocks, and says meanwhile how far it is.
pub(crate) async fn watching<T: Send + 'static>(
    screen: &Screen,
    progress: &Progress,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let mut work = tokio::task::spawn_blocking(work);
    let done = loop {
        match tokio::time::timeout(LOOK, &mut work).await {
            Ok(done) => break done,
            Err(_not_yet) => screen.going_on(&told(progress.seen())),
        }
    };
    screen.clear_going_on();
    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// Has the service make a backup, and fetches it.
async fn fetch(screen: &Screen, connection: &Connection, file: &Path) -> Result<Manifest, Failure> {
    // Looked at first: the service need not begin what has no place.
    let incoming = Incoming::begin(file).map_err(Failure::of)?;
    let begun: Backup = ask(connection, Method::POST, "/operator/backups", "").await?;
    let path = format!("/operator/backups/{}", begun.id);
    let fetched = receive(screen, connection, &path, incoming).await;
    screen.clear_going_on();
    // Whether it was fetched or not, nobody needs it there any more; if this fails, time sees to it.
    let _ = connection.client().request(Method::DELETE, &path, "", None).await;
    fetched
}

async fn receive(
    screen: &Screen,
    connection: &Connection,
    path: &str,
    mut incoming: Incoming,
) -> Result<Manifest, Failure> {
    let length = loop {
        let seen: Backup = ask(connection, Method::GET, path, "").await?;
        match seen.state {
            BackupState::Making => {
                screen.going_on(&share(&seen.stage, seen.done_bytes, seen.total_bytes));
                tokio::time::sleep(LOOK).await;
            }
            BackupState::Ready => break seen.bytes.unwrap_or_default(),
            BackupState::Failed => {
                let error = seen.error.unwrap_or_default();
                return Err(Failure::Failed(format!("the service made no backup: {error}")));
            }
        }
    };
    let data = format!("{path}/data");
    let mut offset = 0;
    while offset < length {
        let query = format!("offset={offset}");
        let piece = connection.client().request(Method::GET, &data, &query, None).await;
        let piece = piece.map_err(|error| Failure::Failed(with_causes(&error)))?.body;
        if piece.is_empty() {
            break;
        }
        incoming.add(&piece).map_err(Failure::of)?;
        offset += piece.len() as u64;
        screen.going_on(&share("fetching", offset, length));
    }
    let progress = Progress::default();
    let watched = progress.clone();
    watching(screen, &watched, move || incoming.finish(&progress)).await.map_err(Failure::of)
}

async fn ask(
    connection: &Connection,
    method: Method,
    path: &str,
    query: &str,
) -> Result<Backup, Failure> {
    let answer = connection.client().request(method, path, query, None).await;
    let answer = answer.map_err(|error| Failure::Failed(with_causes(&error)))?;
    serde_json::from_slice(&answer.body).map_err(Failure::of)
}

/// Writes what a backup holds.
pub(crate) fn show(screen: &Screen, file: &Path, manifest: &Manifest) {
    let bytes = file.metadata().map_or(0, |it| it.len());
    if screen.form == OutputForm::Json {
        let mut document = serde_json::to_value(manifest).expect("a manifest has text keys");
        document["file"] = json!(file);
        document["bytes"] = json!(bytes);
        return screen.json(&document);
    }
    let created = Timestamp::from_unix_ms(i64::try_from(manifest.created.0).unwrap_or(i64::MAX));
    let keys: Vec<String> = manifest.seal_keys.iter().map(|it| it.key.to_string()).collect();
    let mut fields = vec![
        ("file", file.display().to_string()),
        ("size", size(bytes)),
        ("made", format!("{created} by release {}", manifest.release)),
        ("revision", manifest.revision.to_string()),
        ("schema", manifest.schema.to_string()),
        ("seal keys", keys.join(" ")),
        ("call records", manifest.call_records.to_string()),
    ];
    for (kind, count) in &manifest.resources {
        fields.push((kind, count.to_string()));
    }
    screen.fields(&fields);
}

fn told(seen: Seen) -> String {
    share(seen.stage.name(), seen.done, seen.total)
}

fn share(what: &str, done: u64, total: u64) -> String {
    if total == 0 {
        return what.to_owned();
    }
    format!("{what}: {} of {} ({} %)", size(done), size(total), done.min(total) * 100 / total)
}

/// A size for people.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.2} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

/// The path as it is written in messages.
pub(crate) fn shown(path: &Option<PathBuf>) -> Option<String> {
    path.as_ref().map(|it| it.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_as_a_share_once_the_whole_is_known() {
        assert_eq!(share("copying", 0, 0), "copying");
        assert_eq!(share("copying", 512, 2048), "copying: 512 B of 2.0 KiB (25 %)");
        assert_eq!(
            share("writing", 3 << 30, 2 << 30),
            "writing: 3.00 GiB of 2.00 GiB (100 %)",
            "an estimate may be passed"
        );
    }
}
