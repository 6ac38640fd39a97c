//! End-to-end tests of client and relay through their public APIs over real HTTPS. The tests stand in `tests/it`; this
//! library is empty.
