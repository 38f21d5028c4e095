//! SIP grammar: parse and print messages, headers, URIs; frame streams.
