//! The client's readers of what comes from outside, opened to the fuzz targets (feature `fuzzing`). Not an API: it changes with
//! what it opens.

use std::ops::Range;

use curo_types::format::{Receipt, ReceiptPlace};
use curo_types::{ConversationId, DeviceId, TenantId};
use zeroize::Zeroizing;

use crate::proxy::Proxy;
use crate::receipts::seal;
use crate::search::{self, index};

pub use crate::http::fuzzing::{answer, problem, stream};

/// Whether it is taken as a relay's address.
pub fn is_relay_address(text: &str) -> bool {
    crate::http::address(text).is_ok()
}

/// Whether it is taken as a proxy's address.
pub fn is_proxy(text: &str) -> bool {
    Proxy::new(text).for_https().is_ok()
}

/// What a person typed, in FTS5's syntax.
pub fn search_query(typed: &str) -> Option<String> {
    (typed.len() <= index::QUERY_LIMIT).then(|| index::query(typed))?
}

/// A text as it is indexed.
pub fn search_words(text: &str) -> String {
    index::words(text).as_str().to_owned()
}

/// Around what is found.
pub const SEARCH_MARKS: (&str, &str) = index::MARKS;

/// What is shown of a text that was found, and what was found in it.
pub fn search_snippet(text: &str, marked: &str) -> (String, Vec<Range<usize>>) {
    let (part, ranges) = search::snippet(text, &index::ranges(text, marked));
    (part.as_str().to_owned(), ranges)
}

/// What stands in a receipt's slot under this key, in a place that is the same for all.
pub fn open_receipt(key: &[u8; 32], sealed: &[u8]) -> Option<Receipt> {
    let tenant = TenantId::new("st-mary").ok()?;
    seal::open(&Zeroizing::new(key.to_vec()), &place(&tenant), sealed)
}

/// The other way round.
pub fn seal_receipt(key: &[u8; 32], receipt: &Receipt) -> Option<Vec<u8>> {
    let tenant = TenantId::new("st-mary").ok()?;
    seal::seal(&Zeroizing::new(key.to_vec()), &place(&tenant), receipt).ok()
}

fn place(tenant: &TenantId) -> ReceiptPlace<'_> {
    ReceiptPlace {
        tenant,
        conversation: ConversationId([1; 16]),
        incarnation: 1,
        epoch: 2,
        device: DeviceId([3; 16]),
    }
}
