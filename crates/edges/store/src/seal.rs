//! Sealing: secrets at rest are AES-256-GCM under a key that is not in the database.
//!
//! A sealed document is `ciphertext ‖ tag (16 bytes) ‖ nonce (12 random bytes)`. Its associated data
//! is `kind/account/key`, so a row moved to another place does not open. The id of the key is kept
//! beside each row, and more than one key can be in use: the first of the file seals, all of them open.
//!
//! One key may seal 2³² documents (NIST SP 800-38D §8.3, random nonces); rotate long before that.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use model::{AccountId, Kind};
use zeroize::Zeroizing;

use crate::backup::SealProof;
use crate::{Document, file};

const HEADER: &str = "\
# Seal keys: whoever has this file and the database can read every stored secret.
# One key a line: id, then the key in hex. The first line seals, every line opens.
# Keep a copy apart from the database: without it, what it sealed is lost.
";

/// What a proof of a key seals. No document is sealed with this beside it, so a proof stands for none.
const PROOF: &[u8] = b"trunkline backup";

/// The name of one key: random, shown as eight hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(u32);

impl KeyId {
    pub(crate) const fn from_stored(id: u32) -> Self {
        Self(id)
    }
    pub(crate) const fn to_stored(self) -> u32 {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// What [`Store::rotate`](crate::Store::rotate) did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The key that now seals everything.
    pub key: KeyId,
    /// Documents that were sealed anew.
    pub resealed: u64,
    /// Whether a rotation that had been cut short was finished, instead of a new key being made.
    pub resumed: Resumed,
}

/// Whether a rotation took up an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumed {
    /// It finished one that had been cut short.
    Yes,
    /// It made a key of its own.
    No,
}

/// Why a secret cannot be sealed or opened. `Display` names the remedy and never holds key or secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SealError {
    /// The key file cannot be read or written.
    #[error("cannot {action} the seal key file {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Others than the owner may read or write the key file.
    #[error(
        "the seal key file {0} has mode {mode:04o}, so that others can reach it: chmod 600 {0}",
        path.display()
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file is not one.
    #[error("the seal key file {} is damaged at line {line}: {reason}; restore it", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// The database holds secrets under a key that the key file lacks.
    #[error(
        "secrets are sealed by key {key}, which {} does not hold: restore the seal key file that \
         belongs to this database, or add that key's line to it",
        path.display()
    )]
    UnknownKey {
        /// The key that is missing.
        key: KeyId,
        /// The file that was looked in.
        path: PathBuf,
    },
    /// The key file has a key of the right name and other bytes.
    #[error(
        "the key {key} in {} is not the one that this backup was sealed by, though its name is the \
         same: give the seal key file that belongs to it",
        path.display()
    )]
    WrongKey {
        /// The key's name.
        key: KeyId,
        /// The file that it is in.
        path: PathBuf,
    },
    /// A sealed document was changed, or belongs elsewhere, or its key's bytes were replaced.
    #[error(
        "the sealed document of {what} does not open under key {key}: the row or the key was \
         changed; restore the database and its seal key file from one backup"
    )]
    Forged {
        /// `kind/account/key` of the document.
        what: String,
        /// The key it names.
        key: KeyId,
    },
}

/// The keys of one key file. Clones share them.
#[derive(Clone)]
pub struct Keyring(Arc<Shared>);

struct Shared {
    path: PathBuf,
    keys: RwLock<Vec<Key>>,
}

struct Key {
    id: KeyId,
    cipher: RandomizedNonceKey,
}

impl Keyring {
    /// Reads the key file, or creates it with one new key, mode 0600, durable before this returns.
    ///
    /// The directory is created too if it is missing, mode 0700.
    pub fn load_or_create(path: &Path) -> Result<Self, SealError> {
        let fail = |action| move |error| file_error(action, path, error);
        if !path.try_exists().map_err(fail("look for"))? {
            file::directory_create(file::directory_of(path)).map_err(fail("create"))?;
            let content = Zeroizing::new(format!("{HEADER}{}", *new_line(&[])));
            file::create(path, content.as_bytes()).map_err(fail("create"))?;
        }
        let keys = parse(path, &read(path)?)?;
        Ok(Self(Arc::new(Shared { path: path.to_owned(), keys: RwLock::new(keys) })))
    }

    /// Reads a key file that must be there.
    pub fn load(path: &Path) -> Result<Self, SealError> {
        let keys = parse(path, &read(path)?)?;
        Ok(Self(Arc::new(Shared { path: path.to_owned(), keys: RwLock::new(keys) })))
    }

    /// Puts a copy of the key file `from` at `to`, durable before this returns. If `to` is a key file
    /// already, its keys stay, below the others: what either file opens, the new one opens.
    ///
    /// # Errors
    /// [`SealError::Malformed`] if a key has one name and other bytes in each, and what reading and
    /// writing may meet. Then nothing was changed.
    pub fn adopt(from: &Path, to: &Path) -> Result<Self, SealError> {
        let new = read(from)?;
        parse(from, &new)?;
        let old = if to.try_exists().map_err(|it| file_error("look for", to, it))? {
            read(to)?
        } else {
            file::directory_create(file::directory_of(to))
                .map_err(|it| file_error("create", to, it))?;
            Zeroizing::default()
        };
        let is_key = |it: &&str| !it.trim().is_empty() && !it.starts_with('#');
        let kept: Vec<&str> = new.lines().filter(is_key).collect();
        let missing = old.lines().filter(is_key).filter(|line| !kept.contains(line));
        // Reserved to the full length, so that growing leaves no copy of a key behind.
        let mut content =
            Zeroizing::new(String::with_capacity(HEADER.len() + new.len() + old.len() + 2));
        content.push_str(HEADER);
        for line in kept.iter().copied().chain(missing) {
            content.push_str(line);
            content.push('\n');
        }
        parse(to, &content)?;
        if *content != *old {
            file::replace(to, content.as_bytes()).map_err(|it| file_error("replace", to, it))?;
        }
        Self::load(to)
    }

    /// The key that seals.
    pub fn current(&self) -> KeyId {
        self.keys()[0].id
    }

    /// The key file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Refuses a key that the file does not hold.
    pub(crate) fn require(&self, key: KeyId) -> Result<(), SealError> {
        if self.keys().iter().any(|it| it.id == key) {
            return Ok(());
        }
        Err(SealError::UnknownKey { key, path: self.0.path.clone() })
    }

    /// Puts a new key first, in the file and here; durable before this returns.
    pub(crate) fn add(&self) -> Result<KeyId, SealError> {
        let path = &self.0.path;
        let old = read(path)?;
        let known: Vec<KeyId> = parse(path, &old)?.into_iter().map(|it| it.id).collect();
        let added = new_line(&known);
        let lines = old.lines().filter(|it| !it.starts_with('#'));
        // Reserved to the full length, so that growing leaves no copy of a key behind.
        let mut content =
            Zeroizing::new(String::with_capacity(HEADER.len() + added.len() + old.len() + 1));
        content.push_str(HEADER);
        content.push_str(&added);
        for line in lines {
            content.push_str(line);
            content.push('\n');
        }
        file::replace(path, content.as_bytes()).map_err(|it| file_error("replace", path, it))?;
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = parse(path, &content)?;
        Ok(self.current())
    }

    /// Seals the document of one resource.
    pub(crate) fn seal(&self, place: &Place<'_>, document: &Document) -> (KeyId, Vec<u8>) {
        let clear = document.as_bytes();
        let mut sealed = Vec::with_capacity(clear.len() + AES_256_GCM.tag_len() + NONCE_LEN);
        sealed.extend_from_slice(clear);
        let keys = self.keys();
        let nonce = keys[0]
            .cipher
            .seal_in_place_append_tag(Aad::from(place.to_string()), &mut sealed)
            .expect("AES-GCM seals anything shorter than 64 GiB");
        sealed.extend_from_slice(nonce.as_ref());
        (keys[0].id, sealed)
    }

    /// Opens what [`Keyring::seal`] made for the same place.
    pub(crate) fn open(
        &self,
        place: &Place<'_>,
        key: KeyId,
        sealed: &[u8],
    ) -> Result<Document, SealError> {
        let forged = || SealError::Forged { what: place.to_string(), key };
        let keys = self.keys();
        let Some(found) = keys.iter().find(|it| it.id == key) else {
            return Err(SealError::UnknownKey { key, path: self.0.path.clone() });
        };
        let (text, nonce) = sealed.split_last_chunk::<NONCE_LEN>().ok_or_else(forged)?;
        let mut clear = Zeroizing::new(text.to_vec());
        let length = found
            .cipher
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(place.to_string()),
                &mut clear,
            )
            .map_err(|_| forged())?
            .len();
        clear.truncate(length);
        Ok(Document::from_bytes(clear))
    }

    /// Seals a text by one of the keys, so that another key file can be held against it.
    pub(crate) fn prove(&self, key: KeyId) -> Result<SealProof, SealError> {
        let keys = self.keys();
        let Some(found) = keys.iter().find(|it| it.id == key) else {
            return Err(SealError::UnknownKey { key, path: self.0.path.clone() });
        };
        let mut sealed = PROOF.to_vec();
        let nonce = found
            .cipher
            .seal_in_place_append_tag(Aad::from(PROOF), &mut sealed)
            .expect("AES-GCM seals anything shorter than 64 GiB");
        sealed.extend_from_slice(nonce.as_ref());
        Ok(SealProof { key, proof: sealed.iter().map(|it| format!("{it:02x}")).collect() })
    }

    /// Refuses a proof that was made by a key which the file does not hold.
    pub(crate) fn check_proof(&self, proof: &SealProof) -> Result<(), SealError> {
        let key = proof.key;
        self.require(key)?;
        let wrong = || SealError::WrongKey { key, path: self.0.path.clone() };
        let sealed = hex_read(&proof.proof).ok_or_else(wrong)?;
        let (text, nonce) = sealed.split_last_chunk::<NONCE_LEN>().ok_or_else(wrong)?;
        let keys = self.keys();
        let found = keys.iter().find(|it| it.id == key).ok_or_else(wrong)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut text = text.to_vec();
        found.cipher.open_in_place(nonce, Aad::from(PROOF), &mut text).map_err(|_| wrong())?;
        Ok(())
    }

    fn keys(&self) -> std::sync::RwLockReadGuard<'_, Vec<Key>> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<String> = self.keys().iter().map(|it| it.id.to_string()).collect();
        f.debug_struct("Keyring").field("path", &self.0.path).field("keys", &ids).finish()
    }
}

/// Where a document lives: what its seal is bound to. Prints as `kind/account/key`.
pub(crate) struct Place<'a> {
    pub(crate) kind: Kind,
    pub(crate) account: &'a AccountId,
    pub(crate) key: &'a str,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind.as_str(), self.account, self.key)
    }
}

fn file_error(action: &'static str, path: &Path, error: io::Error) -> SealError {
    SealError::File { action, path: path.to_owned(), source: Arc::new(error) }
}

fn read(path: &Path) -> Result<Zeroizing<String>, SealError> {
    let fail = |error| file_error("read", path, error);
    let mut file = File::open(path).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(SealError::TooOpen { path: path.to_owned(), mode });
    }
    // Sized once, so that reading leaves no copy of a key behind.
    let length = usize::try_from(metadata.len()).unwrap_or_default();
    let mut text = Zeroizing::new(String::with_capacity(length + 1));
    file.read_to_string(&mut text).map_err(fail)?;
    Ok(text)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Key>, SealError> {
    let mut keys: Vec<Key> = Vec::new();
    let mut line_last = 0;
    for (at, line) in text.lines().enumerate() {
        line_last = at + 1;
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let refuse =
            |reason| SealError::Malformed { path: path.to_owned(), line: line_last, reason };
        let key = key_parse(line).ok_or_else(|| {
            refuse("a key is 8 hex digits of id, a space, and 64 hex digits of key")
        })?;
        if keys.iter().any(|it| it.id == key.id) {
            return Err(refuse("its id is taken by a key above"));
        }
        keys.push(key);
    }
    if keys.is_empty() {
        let reason = "it holds no key";
        return Err(SealError::Malformed { path: path.to_owned(), line: line_last + 1, reason });
    }
    Ok(keys)
}

fn hex_read(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// A key's name as the key file writes it, for [`serde`].
pub(crate) mod key_id_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::KeyId;

    pub(crate) fn serialize<S: Serializer>(id: &KeyId, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(id)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<KeyId, D::Error> {
        let text = String::deserialize(from)?;
        u32::from_str_radix(&text, 16)
            .map(KeyId)
            .map_err(|_| D::Error::custom("a key's name is eight hexadecimal digits"))
    }
}

fn key_parse(line: &str) -> Option<Key> {
    let (id, hex) = line.trim().split_once(' ')?;
    if id.len() != 8 || hex.len() != 64 || !line.is_ascii() {
        return None;
    }
    let id = KeyId(u32::from_str_radix(id, 16).ok().filter(|it| *it != 0)?);
    let mut bytes = Zeroizing::new([0; 32]);
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&hex[at..at + 2], 16).ok()?;
    }
    let cipher = RandomizedNonceKey::new(&AES_256_GCM, bytes.as_slice())
        .expect("AES-256-GCM takes any 32 bytes as its key");
    Some(Key { id, cipher })
}

/// A line of the key file with a new random key, whose id is none of `known`.
fn new_line(known: &[KeyId]) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 32]);
    random(bytes.as_mut_slice());
    let id = loop {
        let mut id = [0; 4];
        random(&mut id);
        let id = KeyId(u32::from_ne_bytes(id));
        // 0 stands for "not sealed" in the database.
        if id.0 != 0 && !known.contains(&id) {
            break id;
        }
    };
    let mut line = Zeroizing::new(String::with_capacity(8 + 1 + 64 + 1));
    line.push_str(&format!("{id} "));
    for byte in bytes.iter() {
        for digit in [byte >> 4, byte & 15] {
            line.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    line.push('\n');
    line
}

fn random(bytes: &mut [u8]) {
    aws_lc_rs::rand::fill(bytes)
        .expect("the system's random source does not fail once it is seeded");
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
