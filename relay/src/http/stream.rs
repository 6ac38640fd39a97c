//! `GET /v1/stream`: the live stream (5.2), one JSON line an event.
//!
//! A stream reads the store from its own token whenever it is woken and at each heartbeat; nothing is pushed to it, so a lost
//! wake costs one heartbeat. It ends when the token of its request expires, the device is revoked, a newer stream takes its
//! place, the client stops reading, or the relay stops.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use curo_types::ErrorCode;
use curo_types::api::{KeyPackageStock, STREAM_MEDIA_TYPE, StreamEvent};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use super::extract::{Device, InQuery};
use super::outcome;
use super::paced::STALLED;
use super::problem::Reject;
use super::sync::{answer, page_of};
use crate::hub::Subscription;
use crate::state::AppState;
use crate::storage::{StorageError, SyncOutcome, SyncPage};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Start {
    /// The token of the last answer that the device has dealt with; absent at first.
    token: Option<String>,
    /// Index of the last inbox item that was dealt with.
    #[serde(default)]
    inbox_ack: u64,
}

/// The live stream: one JSON object a line, until one side ends it. A reader passes over events that it does not know.
#[utoipa::path(
    get,
    path = "/v1/stream",
    operation_id = "openStream",
    tag = "sync",
    params(Start),
    responses((status = 200, description = "Lines, each of this schema", body = StreamEvent, content_type = "application/x-ndjson"))
)]
pub(super) async fn open(
    State(app): State<Arc<AppState>>,
    device: Device,
    InQuery(start): InQuery<Start>,
) -> Result<Response, Reject> {
    if app.hub.stopping().is_cancelled() {
        return Err(Reject::retry_after(ErrorCode::UNAVAILABLE, 1_000));
    }
    if app.clock.now_ms() >= device.expires_ms {
        return Err(Reject::new(ErrorCode::TOKEN_EXPIRED));
    }
    // Entered before the first read, so that nothing falls between the two.
    let subscription = app
        .hub
        .subscribe(device.tenant.clone(), device.caller.device)
        .ok_or_else(|| Reject::retry_after(ErrorCode::UNAVAILABLE, 5_000))?;
    let (lines, receiver) = mpsc::channel(1);
    let stream = Stream {
        app,
        device,
        subscription,
        lines,
        position: start.token.clone(),
        told: start.token,
        inbox_ack: start.inbox_ack,
        stock: None,
        last_line: Instant::now(),
    };
    // Read here, so that a bad token or another store is answered as a problem.
    let first = page_of(stream.read().await.map_err(outcome::storage)?)?;
    stream.subscription.confirm();
    tokio::spawn(async move { stream.run(first).await });
    let body = Body::from_stream(ReceiverStream::new(receiver));
    Ok(([(header::CONTENT_TYPE, STREAM_MEDIA_TYPE)], body).into_response())
}

struct Stream {
    app: Arc<AppState>,
    device: Device,
    subscription: Subscription,
    lines: mpsc::Sender<Result<Bytes, Infallible>>,
    /// Where the next read starts: the token of the last page.
    position: Option<String>,
    /// The token that the client knows: of the last line. Behind `position` while there was nothing to tell.
    told: Option<String>,
    /// The last inbox item that was sent.
    inbox_ack: u64,
    /// The stock that the client knows of; `None` before the first line.
    stock: Option<Vec<KeyPackageStock>>,
    last_line: Instant,
}

/// Room for one line.
type Place = mpsc::OwnedPermit<Result<Bytes, Infallible>>;

/// Why a stream stops.
enum Stop {
    /// With a last line.
    End(ErrorCode),
    /// The client is gone.
    Gone,
}

/// Why a stream reads.
#[derive(PartialEq, Eq)]
enum Cause {
    Woken,
    Heartbeat,
}

impl Stream {
    async fn run(mut self, first: SyncPage) {
        let Err(stop) = self.serve(first).await;
        if let Stop::End(code) = stop {
            // A client that does not take its last line in time learns the same from the closed connection.
            if let Some(line) = line(&StreamEvent::End { code }) {
                let _ = self.lines.send_timeout(Ok(line), Duration::from_secs(1)).await;
            }
        }
    }

    async fn serve(&mut self, first: SyncPage) -> Result<Infallible, Stop> {
        let mut page = first;
        let mut cause = Cause::Heartbeat;
        let mut place = self.place().await?;
        loop {
            let more = page.more;
            self.deliver(page, &cause, place)?;
            cause = if more { Cause::Woken } else { self.wait().await? };
            // Read only for a client that has taken the line before: what is read is not kept waiting.
            place = self.place().await?;
            page = match self.read().await {
                Ok(outcome) => page_of(outcome).map_err(|reject| Stop::End(reject.into_code()))?,
                Err(error) => {
                    self.app.metrics.storage_error(error.kind());
                    return Err(Stop::End(trouble(&error)));
                }
            };
        }
    }

    async fn read(&self) -> Result<SyncOutcome, StorageError> {
        let Device { tenant, caller, .. } = &self.device;
        self.app
            .storage
            .sync(
                tenant,
                *caller,
                self.position.as_deref(),
                self.inbox_ack,
                self.app.clock.now_ms(),
            )
            .await
    }

    /// Sends what is new. At a heartbeat a line is sent in any case; where only the position has moved, because of
    /// conversations of others, it is an empty `Sync`, so that a `Heartbeat` ahead of the client always means a lost push.
    fn deliver(&mut self, mut page: SyncPage, cause: &Cause, place: Place) -> Result<(), Stop> {
        let stock = std::mem::take(&mut page.key_packages);
        let restocked = self.stock.as_ref().is_some_and(|known| *known != stock);
        if restocked {
            page.key_packages.clone_from(&stock);
        }
        let token = page.token.to_string();
        self.position = Some(token.clone());
        let heartbeat = *cause == Cause::Heartbeat;
        let event = if !page.is_empty() || restocked || (heartbeat && self.told.as_ref() != Some(&token)) {
            self.inbox_ack = page.inbox.last().map_or(self.inbox_ack, |item| item.index);
            let tenant = self
                .app
                .tenants
                .get(&self.device.tenant)
                .ok_or(Stop::End(ErrorCode::INTERNAL))?;
            StreamEvent::Sync(answer(&self.app, tenant, page))
        } else if heartbeat {
            StreamEvent::Heartbeat { token: token.clone() }
        } else {
            return Ok(());
        };
        self.stock = Some(stock);
        self.told = Some(token);
        place.send(Ok(line(&event).ok_or(Stop::End(ErrorCode::INTERNAL))?));
        self.last_line = Instant::now();
        Ok(())
    }

    /// Waits until the client has taken the line before.
    async fn place(&self) -> Result<Place, Stop> {
        let stopping = self.app.hub.stopping();
        tokio::select! {
            biased;
            place = self.lines.clone().reserve_owned() => place.map_err(|_| Stop::Gone),
            () = stopping.cancelled() => Err(Stop::End(ErrorCode::UNAVAILABLE)),
            () = self.subscription.replaced() => Err(Stop::End(ErrorCode::RATE_LIMITED)),
            () = tokio::time::sleep(STALLED) => Err(Stop::Gone),
        }
    }

    async fn wait(&self) -> Result<Cause, Stop> {
        let heartbeat = self.last_line + self.app.limits.heartbeat;
        let left_ms = self.device.expires_ms.saturating_sub(self.app.clock.now_ms());
        let expiry = Instant::now() + Duration::from_millis(left_ms).min(self.app.limits.heartbeat);
        let stopping = self.app.hub.stopping();
        let cause = tokio::select! {
            biased;
            () = stopping.cancelled() => return Err(Stop::End(ErrorCode::UNAVAILABLE)),
            () = self.subscription.replaced() => return Err(Stop::End(ErrorCode::RATE_LIMITED)),
            () = self.lines.closed() => return Err(Stop::Gone),
            () = self.subscription.woken() => Cause::Woken,
            () = tokio::time::sleep_until(heartbeat.min(expiry)) => Cause::Heartbeat,
        };
        if self.app.clock.now_ms() >= self.device.expires_ms {
            return Err(Stop::End(ErrorCode::TOKEN_EXPIRED));
        }
        Ok(cause)
    }
}

fn line(event: &StreamEvent) -> Option<Bytes> {
    let mut json = serde_json::to_vec(event).ok()?;
    json.push(b'\n');
    Some(json.into())
}

fn trouble(error: &StorageError) -> ErrorCode {
    tracing::warn!(%error, "a live stream ends: storage");
    if error.retryable() {
        ErrorCode::UNAVAILABLE
    } else {
        ErrorCode::INTERNAL
    }
}
