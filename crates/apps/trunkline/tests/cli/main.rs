//! The binary as a person or a script runs it: exit codes, texts, files.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod api;
mod configuration;
mod demo;
mod operator;
mod serve;
mod usage;
mod world;
