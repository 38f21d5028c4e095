//! The bytes of a backup file, written and read.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, Digest, SHA256, SHA256_OUTPUT_LEN};

use super::progress::{Progress, Stage};
use super::{FORMAT, Manifest, Part, RestoreError};

const MAGIC: &[u8; 16] = b"TRUNKLINE-BACKUP";
/// Bytes of a part's name.
const NAME_LEN: usize = 16;
/// Bytes that are moved at once.
const CHUNK: usize = 256 * 1024;
/// The longest manifest that is read, in bytes: ours are a few thousand.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// Writes a backup to anything, one part after the other.
pub(super) struct Writer<W> {
    to: W,
    all: Context,
    part: Option<Context>,
}

impl<W: Write> Writer<W> {
    /// Begins with the header.
    pub(super) fn begin(to: W) -> io::Result<Self> {
        let mut writer = Self { to, all: Context::new(&SHA256), part: None };
        writer.put(MAGIC)?;
        writer.put(&FORMAT.to_le_bytes())?;
        Ok(writer)
    }

    /// Writes one part, whose length is known.
    pub(super) fn part(
        &mut self,
        part: Part,
        length: u64,
        mut data: impl Read,
        progress: &Progress,
    ) -> io::Result<()> {
        self.part = Some(Context::new(&SHA256));
        self.put(&name_of(part))?;
        self.put(&length.to_le_bytes())?;
        let mut chunk = vec![0; CHUNK];
        let mut left = length;
        while left > 0 {
            if progress.is_cancelled() {
                return Err(io::Error::from(io::ErrorKind::Interrupted));
            }
            let most = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            data.read_exact(&mut chunk[..most])?;
            self.put(&chunk[..most])?;
            progress.add(most);
            left -= most as u64;
        }
        let digest = self.part.take().expect("it was begun above").finish();
        self.put(digest.as_ref())
    }

    /// Writes the end, and gives back where everything went.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.part(Part::End, 0, io::empty(), &Progress::default())?;
        self.to.write_all(self.all.finish().as_ref())?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.all.update(bytes);
        if let Some(part) = &mut self.part {
            part.update(bytes);
        }
        self.to.write_all(bytes)
    }
}

/// Reads a backup, and trusts nothing in it.
pub(super) struct Reader {
    path: PathBuf,
    from: BufReader<File>,
    all: Context,
}

impl Reader {
    /// Opens a file and reads its header.
    pub(super) fn open(path: &Path) -> Result<Self, RestoreError> {
        let unreadable = |source| RestoreError::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.is_dir() {
            return Err(unreadable(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let from = BufReader::with_capacity(CHUNK, file);
        let mut reader = Self { path: path.to_owned(), from, all: Context::new(&SHA256) };
        let mut magic = [0; MAGIC.len()];
        // A file that is shorter than its first word is no backup that was cut, but another file.
        match reader.fill(Part::Header, &mut magic) {
            Err(RestoreError::Cut { .. }) => return Err(RestoreError::NotABackup(path.to_owned())),
            result => result?,
        }
        if magic != *MAGIC {
            return Err(RestoreError::NotABackup(path.to_owned()));
        }
        let mut format = [0; 4];
        reader.fill(Part::Header, &mut format)?;
        match u32::from_le_bytes(format) {
            0 => Err(reader.damaged(Part::Header, "its format is 0")),
            found if found > FORMAT => {
                Err(RestoreError::FormatTooNew { path: path.to_owned(), found, known: FORMAT })
            }
            _ => Ok(reader),
        }
    }

    /// The manifest, which comes first.
    pub(super) fn manifest(&mut self) -> Result<Manifest, RestoreError> {
        let mut text = Vec::new();
        let none = Progress::default();
        self.part(Part::Manifest, MANIFEST_BYTES_MAX, &none, &mut |bytes| {
            text.extend_from_slice(bytes);
            Ok(())
        })?;
        serde_json::from_slice(&text)
            .map_err(|error| self.damaged(Part::Manifest, format!("it cannot be read: {error}")))
    }

    /// The database, a piece at a time.
    pub(super) fn database(
        &mut self,
        progress: &Progress,
        take: &mut dyn FnMut(&[u8]) -> Result<(), RestoreError>,
    ) -> Result<(), RestoreError> {
        self.part(Part::Database, u64::MAX, progress, take)
    }

    /// The end: nothing may be missing, and nothing may follow.
    pub(super) fn end(mut self) -> Result<(), RestoreError> {
        self.part(Part::End, 0, &Progress::default(), &mut |_| Ok(()))?;
        let expected = self.all.clone().finish();
        let mut found = [0; SHA256_OUTPUT_LEN];
        self.read(Part::End, &mut found)?;
        if found != expected.as_ref() {
            return Err(self.damaged(Part::End, "the digest of all parts is another"));
        }
        match self.from.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.damaged(Part::End, "something follows it")),
            Err(source) => Err(RestoreError::Unreadable { path: self.path, source }),
        }
    }

    fn part(
        &mut self,
        part: Part,
        length_max: u64,
        progress: &Progress,
        take: &mut dyn FnMut(&[u8]) -> Result<(), RestoreError>,
    ) -> Result<(), RestoreError> {
        let mut digest = Context::new(&SHA256);
        let mut head = [0; NAME_LEN + 8];
        self.fill(part, &mut head)?;
        digest.update(&head);
        let (name, length) = head.split_at(NAME_LEN);
        if *name != name_of(part) {
            return Err(self.damaged(part, "its name is another"));
        }
        let mut left = u64::from_le_bytes(length.try_into().expect("a length is 8 bytes"));
        if left > length_max {
            return Err(self.damaged(part, format!("it says that it is {left} bytes long")));
        }
        progress.begin(progress.seen().stage, left);
        let mut chunk = vec![0; CHUNK];
        while left > 0 {
            let most = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.fill(part, &mut chunk[..most])?;
            digest.update(&chunk[..most]);
            take(&chunk[..most])?;
            progress.add(most);
            left -= most as u64;
        }
        self.compare(part, &digest.finish())
    }

    fn compare(&mut self, part: Part, expected: &Digest) -> Result<(), RestoreError> {
        let mut found = [0; SHA256_OUTPUT_LEN];
        self.fill(part, &mut found)?;
        if found == expected.as_ref() {
            return Ok(());
        }
        Err(self.damaged(part, "its digest is another"))
    }

    /// Reads what the digest of all is over.
    fn fill(&mut self, part: Part, bytes: &mut [u8]) -> Result<(), RestoreError> {
        self.read(part, bytes)?;
        self.all.update(bytes);
        Ok(())
    }

    fn read(&mut self, part: Part, bytes: &mut [u8]) -> Result<(), RestoreError> {
        self.from.read_exact(bytes).map_err(|source| {
            if source.kind() == io::ErrorKind::UnexpectedEof {
                return RestoreError::Cut { path: self.path.clone(), part };
            }
            RestoreError::Unreadable { path: self.path.clone(), source }
        })
    }

    fn damaged(&self, part: Part, detail: impl Into<String>) -> RestoreError {
        RestoreError::Damaged { path: self.path.clone(), part, detail: detail.into() }
    }
}

/// Tells what a backup holds. Only its manifest is read and its checksum compared.
pub fn inspect(path: &Path) -> Result<Manifest, RestoreError> {
    Reader::open(path)?.manifest()
}

/// Reads a whole backup, compares every checksum, and tells what it holds.
pub fn verify(path: &Path, progress: &Progress) -> Result<Manifest, RestoreError> {
    let mut reader = Reader::open(path)?;
    let manifest = reader.manifest()?;
    progress.begin(Stage::Verifying, 0);
    reader.database(progress, &mut |_| Ok(()))?;
    reader.end()?;
    Ok(manifest)
}

fn name_of(part: Part) -> [u8; NAME_LEN] {
    let mut name = [0; NAME_LEN];
    name[..part.name().len()].copy_from_slice(part.name().as_bytes());
    name
}
