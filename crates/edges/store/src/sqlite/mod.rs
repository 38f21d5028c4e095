//! The embedded backend: SQLite in WAL mode, `synchronous=FULL`, one writer.

pub(crate) mod backup;
mod checkpoint;
mod connection;
mod database;
mod fault;
mod kinds;
mod lock;
mod readers;
mod record_rows;
mod rotation;
mod rows;
mod schema;
mod tx;
mod writer;

pub(crate) use database::Database;
pub(crate) use tx::WriteTx;

#[cfg(test)]
mod fault_tests;
