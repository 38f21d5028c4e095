//! The embedded backend: SQLite in WAL mode, `synchronous=FULL`, one writer.

mod audit_rows;
pub(crate) mod backup;
mod checkpoint;
mod connection;
mod database;
mod fault;
mod identity;
mod kinds;
mod lock;
mod readers;
mod record_rows;
mod rotation;
mod rows;
mod schema;
mod snapshot;
mod trimming;
mod tx;
mod writer;

pub(crate) use database::Database;
pub use rows::RowRef;
pub use snapshot::{Snapshot, Visit};
pub(crate) use tx::WriteTx;

#[cfg(test)]
mod fault_tests;
