//! The transaction layer seen from outside: messages, virtual time, and what comes of them.

#[cfg(test)]
mod clients;
#[cfg(test)]
mod lossy_link;
#[cfg(test)]
mod matching;
#[cfg(test)]
mod repeats;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod totality;
#[cfg(test)]
mod world;
