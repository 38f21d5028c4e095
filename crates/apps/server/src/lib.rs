//! The service as a library: configuration, sockets, engines, store, API, loops.
