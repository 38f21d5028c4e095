//! A typed async client of the Chime SDK Voice API.
