//! Project Wycheproof's vectors against the cryptography that client and relay run. The tests stand in `tests/it`; the library is
//! empty.
