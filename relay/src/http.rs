//! HTTP: paths, bodies, problems, the live stream. Knows what the layers below answer and how it is told; decides nothing.

mod app;
mod approval;
mod conversations;
mod devices;
mod directory;
mod directory_replay;
mod extract;
mod health;
mod held;
mod incarnations;
mod key_packages;
mod leave;
mod log;
mod messages;
mod metrics;
mod observe;
mod openapi;
mod outcome;
mod own_devices;
mod paced;
mod problem;
mod push;
mod receipts;
mod replay;
mod session;
mod stream;
mod sync;

#[cfg(feature = "fuzzing")]
pub(crate) use self::{devices::is_canonical, extract::bearer};
pub(crate) use app::{metrics_router, router};
pub use openapi::openapi;
