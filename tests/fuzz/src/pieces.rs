//! How an input becomes several values. Knows no format.

/// The first line, and what follows it.
pub(crate) fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => {
            let (line, rest) = bytes.split_at(at);
            (line, rest.get(1..).unwrap_or_default())
        }
        None => (bytes, &[]),
    }
}

/// Two values: the length of the first in two bytes, big-endian, then both.
pub(crate) fn two(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// In pieces of so many bytes.
pub(crate) fn cut(bytes: &[u8], size: u8) -> Vec<Vec<u8>> {
    bytes.chunks(usize::from(size).max(1)).map(<[u8]>::to_vec).collect()
}

/// Runs what waits for nothing but itself.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}
