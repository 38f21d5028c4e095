//! The wire as a whole: routing, decoding and encoding of all operations, by tables made of the
//! model's descriptors.

mod constraints;
mod corpus;
mod round_trip;
mod routing;
mod support;
