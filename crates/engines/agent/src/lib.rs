//! A scripted SIP user agent, without I/O: the simulated carrier and the test caller.
