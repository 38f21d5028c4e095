//! A resource as JSON, wiped when it drops.

use std::fmt;
use std::io;

use model::Resource;
use serde::de::DeserializeOwned;
use zeroize::{Zeroize, Zeroizing};

use crate::StoreError;

/// The JSON text of one resource. It may hold secrets: it is never printed, and wiped on drop.
#[derive(Clone)]
pub struct Document(Zeroizing<Vec<u8>>);

impl Document {
    /// Writes a resource as JSON.
    pub fn of<T: Resource>(resource: &T) -> Self {
        let mut text = Wiped(Zeroizing::new(Vec::with_capacity(512)));
        serde_json::to_writer(&mut text, resource)
            .expect("model types serialize: their maps have text keys and nothing in them fails");
        Self(text.0)
    }

    /// Takes the bytes of a document that was written before.
    pub const fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The JSON text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the resource back. `of` names it in the error.
    pub(crate) fn decode<T: DeserializeOwned>(
        &self,
        of: impl FnOnce() -> String,
    ) -> Result<T, StoreError> {
        decode(&self.0, of)
    }
}

/// Reads the JSON text of a resource. `of` names it in the error.
pub(crate) fn decode<T: DeserializeOwned>(
    text: &[u8],
    of: impl FnOnce() -> String,
) -> Result<T, StoreError> {
    // The error's own text may quote a value, so only its place is told.
    serde_json::from_slice(text).map_err(|error| StoreError::Corrupt {
        detail: format!(
            "the document of {} is not readable at line {} column {}",
            of(),
            error.line(),
            error.column()
        ),
    })
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} bytes)", self.0.len())
    }
}

/// Grows without leaving a copy of its text behind, as a plain `Vec` would.
struct Wiped(Zeroizing<Vec<u8>>);

impl io::Write for Wiped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > self.0.capacity() {
            let mut grown = Vec::with_capacity((self.0.len() + bytes.len()) * 2);
            grown.extend_from_slice(&self.0);
            self.0.zeroize();
            *self.0 = grown;
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
