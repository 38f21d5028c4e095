//! Private files: for the owner alone, and on the disk before they are relied on.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The directory that holds `path`.
pub(crate) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Creates a directory and what is missing above it, mode 0700; one that exists is left as it is.
pub(crate) fn directory_create(path: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|it| !it.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    // A directory lasts once its entry in the directory above does.
    missing.into_iter().try_for_each(|it| directory_sync(directory_of(it)))
}

/// Makes the entries of a directory durable.
pub(crate) fn directory_sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Whether a file created by [`create`] was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Created {
    New,
    Existed,
}

/// Creates a whole file, mode 0600, unless it exists: never seen half written, never replacing another.
pub(crate) fn create(path: &Path, content: &[u8]) -> io::Result<Created> {
    let draft = draft_write(path, content)?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => directory_sync(directory_of(path)).map(|()| Created::New),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Created::Existed),
        Err(error) => Err(error),
    }
}

/// Replaces a whole file, mode 0600: after a crash it is the old one or the new one.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    fs::rename(draft_write(path, content)?, path)?;
    directory_sync(directory_of(path))
}

fn draft_write(path: &Path, content: &[u8]) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = directory_of(path).join(format!(".{name}.{}.new", std::process::id()));
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_created_file_and_its_directories_are_private() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("a/b");
        directory_create(&directory).unwrap();
        let path = directory.join("key");

        assert_eq!(create(&path, b"one").unwrap(), Created::New);

        assert_eq!((mode(&directory), mode(&path)), (0o700, 0o600));
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "no draft is left behind");
    }

    #[test]
    fn creating_never_replaces_and_replacing_does() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("key");
        create(&path, b"one").unwrap();

        assert_eq!(create(&path, b"two").unwrap(), Created::Existed);
        assert_eq!(fs::read(&path).unwrap(), b"one");

        replace(&path, b"three").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"three".to_vec(), 0o600));
    }
}
