//! The binary as a person or a script runs it: exit codes, texts, files.

mod configuration;
mod demo;
mod operator;
mod serve;
mod usage;
mod world;
