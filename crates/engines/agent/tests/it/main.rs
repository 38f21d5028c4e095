//! Two agents and the wire between them, in virtual time.

#[cfg(test)]
mod calls;
#[cfg(test)]
mod carrier;
#[cfg(test)]
mod storms;
#[cfg(test)]
mod world;
