//! Sockets: batched UDP, TCP streams, RTP port pairs, readiness.
