//! `trunkline restore`: a data directory from a backup.

use serde_json::json;
use server::backup::{CredentialsFile, RestoreOrder, RestoredService, restore};
use store::Keyring;
use store::backup::{Occupied, Progress, check};

use super::backup::{show, shown, watching};
use crate::cli::{OutputForm, RestoreArgs, ServeArgs};
use crate::failure::Failure;
use crate::screen::Screen;

/// Runs the command.
pub(crate) async fn run(screen: &Screen, args: RestoreArgs) -> Result<(), Failure> {
    if args.check {
        return look(screen, args).await;
    }
    let RestoreArgs { file, data_dir, config, seal_key, overwrite, .. } = args;
    let storage = super::config::load(ServeArgs { config, data_dir })?.storage;
    let occupied = if overwrite { Occupied::MoveAside } else { Occupied::Refuse };
    let order = RestoreOrder { backup: file, seal_key, occupied };
    let directory = storage.data_dir.clone();
    let progress = Progress::default();
    let watched = progress.clone();
    let restored = watching(screen, &watched, move || restore(&storage, &order, &progress))
        .await
        .map_err(Failure::of)?;
    tell(screen, &directory.display().to_string(), &restored);
    Ok(())
}

/// Reads a backup and says whether it could be restored.
async fn look(screen: &Screen, args: RestoreArgs) -> Result<(), Failure> {
    let keyring = args.seal_key.as_deref().map(Keyring::load).transpose().map_err(Failure::of)?;
    let key_checked = keyring.is_some();
    let progress = Progress::default();
    let (watched, file) = (progress.clone(), args.file.clone());
    let manifest = watching(screen, &watched, move || check(&file, keyring.as_ref(), &progress))
        .await
        .map_err(Failure::of)?;
    show(screen, &args.file, &manifest);
    if screen.form == OutputForm::Text {
        screen.done(if key_checked {
            "every checksum fits, and the seal key opens it"
        } else {
            "every checksum fits; --seal-key FILE holds a seal key against it as well"
        });
    }
    Ok(())
}

fn tell(screen: &Screen, directory: &str, restored: &RestoredService) {
    let RestoredService { manifest, moved_aside, credentials } = restored;
    if screen.form == OutputForm::Json {
        let key = credentials.as_ref().map(|(key, _)| key.as_str());
        return screen.json(&json!({
            "data_dir": directory,
            "revision": manifest.revision,
            "schema_of_backup": manifest.schema,
            "moved_aside": shown(moved_aside),
            "access_key_id": key,
        }));
    }
    screen.done(&format!("{directory} is as it was at revision {}", manifest.revision));
    if let Some(aside) = shown(moved_aside) {
        screen.line(format!("  the database that was there is {aside} now"));
    }
    match credentials {
        Some((key, CredentialsFile::Written)) => {
            screen.line(format!("  its credentials file names the access key {key}"));
        }
        Some((_, CredentialsFile::Kept)) => {}
        None => screen.line(
            "  no access key in it is a full and enabled one of the operator's account: use a \
             credentials file of your own",
        ),
    }
    screen.line(format!("  start it with: trunkline serve --data-dir {directory}"));
}
