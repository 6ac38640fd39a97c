//! Answers as the client's HTTP reads them: of the relay, or of whoever stands in its place.

use curo::fuzzing;
use curo_types::api::limits;

use crate::pieces::{cut, line, now};

const AN_HOUR_MS: u64 = 3600 * 1000;

/// A refusal: status, Content-Type, Retry-After and Date, each on a line (an empty one is absent), then the body.
pub(crate) fn problem(bytes: &[u8]) -> bool {
    let (status, rest) = line(bytes);
    let (media, rest) = line(rest);
    let (retry_after, rest) = line(rest);
    let (date, body) = line(rest);
    let Some(status) = std::str::from_utf8(status).ok().and_then(|text| text.parse().ok()) else {
        return false;
    };
    let headers = [("content-type", media), ("retry-after", retry_after), ("date", date)];
    let present: Vec<_> = headers.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let size = u8::try_from(body.len() % 251).unwrap_or(1);
    let Some(read) = now(fuzzing::problem(status, &present, cut(body, size))) else {
        return false;
    };
    let Ok(problem) = read else { return false };
    assert!(
        problem.retry_after_ms.is_none_or(|wait| wait <= AN_HOUR_MS),
        "nobody silences a client for days: {problem:?}"
    );
    true
}

/// A good answer: Content-Type and Content-Length on a line each, then the body. It comes as it was sent, or not at all.
pub(crate) fn answer(bytes: &[u8]) -> bool {
    let (media, rest) = line(bytes);
    let (length, body) = line(rest);
    let headers = [("content-type", media), ("content-length", length)];
    let present: Vec<_> = headers.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    match now(fuzzing::answer(&present, cut(body, 100))) {
        Some(read) => {
            assert_eq!(read, body);
            assert!(read.len() <= limits::ANSWER_BYTES);
            true
        }
        None => false,
    }
}

/// A live stream: the size of its pieces, then the stream. How it is cut makes no difference.
pub(crate) fn stream(bytes: &[u8]) -> bool {
    let Some((size, stream)) = bytes.split_first() else {
        return false;
    };
    let (events, broken) = now(fuzzing::stream(cut(stream, *size)));
    let whole = now(fuzzing::stream(vec![stream.to_vec()]));
    assert_eq!((&events, broken), (&whole.0, whole.1));
    !events.is_empty()
}
