//! The readers of answers, for the fuzz targets: what the relay, or whoever answers in its place, can send. Knows no connection.

use std::convert::Infallible;

use bytes::Bytes;
use curo_types::ErrorCode;
use curo_types::api::{Problem, StreamEvent};
use futures_util::{StreamExt as _, stream};
use reqwest::{Body, Response};

use super::{answer, stream as events};
use crate::error::Fault;

/// An answer that comes in pieces. `None` if HTTP itself has no such answer.
fn response(status: u16, headers: &[(&str, &[u8])], pieces: Vec<Vec<u8>>) -> Option<Response> {
    let mut builder = http::Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let pieces = pieces.into_iter().map(|piece| Ok::<_, Infallible>(Bytes::from(piece)));
    let body = Body::wrap_stream(stream::iter(pieces));
    builder.body(body).ok().map(Response::from)
}

/// What a refusal says.
pub async fn problem(
    status: u16,
    headers: &[(&str, &[u8])],
    pieces: Vec<Vec<u8>>,
) -> Option<Result<Problem, ErrorCode>> {
    let response = response(status, headers, pieces)?;
    Some(answer::read_problem(response).await.map_err(|fault| fault.code()))
}

/// The body of an answer; `None` for one that is too large, or is not the relay's.
pub async fn answer(headers: &[(&str, &[u8])], pieces: Vec<Vec<u8>>) -> Option<Vec<u8>> {
    let response = response(200, headers, pieces).filter(answer::is_relay)?;
    answer::read_bounded(response).await.ok()
}

/// The events of a live stream up to its end or its first fault, and whether there was one.
pub async fn stream(pieces: Vec<Vec<u8>>) -> (Vec<StreamEvent>, bool) {
    let Some(response) = response(200, &[], pieces) else {
        return (Vec::new(), true);
    };
    let mut lines = events::lines(response);
    let mut read = Vec::new();
    loop {
        match events::event(lines.next().await) {
            Ok(Some(event)) => read.push(event),
            Ok(None) => return (read, false),
            Err(Fault::BadRelay(_) | Fault::Offline(_)) => return (read, true),
            Err(_) => return (read, true),
        }
    }
}
