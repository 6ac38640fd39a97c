//! Tests of our MLS configuration against a second implementation of RFC 9420, `mls-rs`. They stand in `tests/it`; the library
//! is empty, so that nothing which ships can depend on that implementation.
