//! The push gateway of one play: takes what the relay sends and keeps it until somebody hands it to an app. What stands
//! between a gateway and a phone (Apple's or Google's service) is not here.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::error::Broken;

/// Tokens that were pushed, by target, the newest last.
type Pushed = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

/// Listens until dropped.
pub(crate) struct Gateway {
    addr: SocketAddr,
    pushed: Pushed,
    task: JoinHandle<()>,
}

impl Gateway {
    pub(crate) async fn start() -> Result<Self, Broken> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let pushed = Pushed::default();
        let app = Router::new().route("/wake", post(take)).with_state(Arc::clone(&pushed));
        let task = tokio::spawn(async move {
            // Without it no push comes, and a step says so.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { addr, pushed, task })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/wake", self.addr)
    }

    /// The newest push for this target; those before it said the same.
    pub(crate) fn take(&self, target: &str) -> Option<String> {
        let mut pushed = self.pushed.lock().unwrap_or_else(PoisonError::into_inner);
        pushed.remove(target)?.pop()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(State(pushed): State<Pushed>, body: String) -> StatusCode {
    let push: Value = serde_json::from_str(&body).unwrap_or_default();
    let (Some(target), Some(token)) = (push["target"].as_str(), push["token"].as_str()) else {
        return StatusCode::BAD_REQUEST;
    };
    let mut pushed = pushed.lock().unwrap_or_else(PoisonError::into_inner);
    pushed.entry(target.to_owned()).or_default().push(token.to_owned());
    StatusCode::OK
}
