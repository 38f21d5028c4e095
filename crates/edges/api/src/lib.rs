//! The HTTP control plane: authenticate, decode, authorize, operate, encode.
