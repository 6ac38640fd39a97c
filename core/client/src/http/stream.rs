//! The live stream: one JSON event a line, bounded, and given up when it falls silent.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use curo_types::api::{StreamEvent, limits};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use reqwest::Response;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use tokio_util::io::StreamReader;

use super::pool::Connections;
use crate::error::Fault;

/// Two heartbeats and some: a stream that is silent for longer is dead, whatever the connection says.
pub(super) const SILENCE: Duration = Duration::from_secs(limits::HEARTBEAT_SECONDS * 2 + 5);

pub(super) type Lines = Pin<Box<dyn Stream<Item = Result<String, LinesCodecError>> + Send>>;

/// Events as they come.
pub(crate) struct EventStream {
    lines: Lines,
    silence: Duration,
    over: Arc<Connections>,
}

impl EventStream {
    pub(super) fn new(response: Response, silence: Duration, over: Arc<Connections>) -> Self {
        Self {
            lines: lines(response),
            silence,
            over,
        }
    }

    /// The next event; `None` when the relay has ended the stream. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<StreamEvent>, Fault> {
        let next = match tokio::time::timeout(self.silence, self.lines.next()).await {
            Err(_) => Err(Fault::Offline("silent stream")),
            Ok(line) => event(line),
        };
        if !matches!(next, Ok(Some(_))) {
            // The connection may have gone with it.
            self.over.doubtful();
        }
        next
    }
}

/// The lines of an answer, none longer than any answer may be.
pub(super) fn lines(response: Response) -> Lines {
    let reader = StreamReader::new(response.bytes_stream().map_err(io::Error::other));
    let codec = LinesCodec::new_with_max_length(limits::ANSWER_BYTES);
    Box::pin(FramedRead::new(reader, codec))
}

/// What a line says; `None` behind the last one.
pub(super) fn event(line: Option<Result<String, LinesCodecError>>) -> Result<Option<StreamEvent>, Fault> {
    match line {
        None => Ok(None),
        Some(Err(LinesCodecError::MaxLineLengthExceeded)) => Err(Fault::BadRelay("event too large")),
        Some(Err(LinesCodecError::Io(_))) => Err(Fault::Offline("stream broke")),
        Some(Ok(line)) => serde_json::from_str(&line)
            .map(Some)
            .map_err(|_| Fault::BadRelay("event")),
    }
}
