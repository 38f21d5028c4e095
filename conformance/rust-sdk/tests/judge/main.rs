//! Each operation family by the SDK for Rust; `conformance/test_rust_sdk.py` runs it.

mod applications;
mod connectors;
mod numbers;
mod wire;
