//! HTTP: paths, bodies, problems, the live stream. Knows what the layers below answer and how it is told; decides nothing.

mod app;
mod conversations;
mod devices;
mod directory;
mod extract;
mod health;
mod key_packages;
mod log;
mod messages;
mod observe;
mod outcome;
mod problem;
mod session;
mod stream;
mod sync;

pub(crate) use app::router;
