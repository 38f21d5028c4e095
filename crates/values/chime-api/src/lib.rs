//! The 96 operations of the Chime SDK Voice API on the wire.
