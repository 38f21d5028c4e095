//! Durable state: resources, change feed, sealed secrets, call records, in SQLite.
