//! SIP transactions, dialogs and digest authentication, without I/O.
