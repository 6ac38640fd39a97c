//! Full-text search.

pub(crate) mod index;
