//! `--interactive`: people in several terminals talk through one relay.
//!
//! The first terminal in a room also runs the relay; the others find it through the room's folder. Everything in the room
//! is for one machine and one user of it: whoever may read the folder may be anybody.

mod app;
mod command;
mod door;
mod terminal;
#[cfg(test)]
mod tests;
mod view;

use std::io::{self, IsTerminal as _};
use std::path::Path;

pub use command::{Command, CommandError};
pub use door::{Door, DoorError, Room};

/// Why a terminal's part ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InteractiveError {
    /// There is nobody to type and to look.
    #[error("--interactive needs a terminal for input and output")]
    NoTerminal,
    /// The room.
    #[error(transparent)]
    Door(#[from] DoorError),
    /// The terminal.
    #[error("terminal: {0}")]
    Terminal(#[from] io::Error),
}

/// Enters the room of the folder `dir` as `name` and stays until the person leaves. Needs a multi-threaded Tokio runtime.
///
/// # Errors
/// [`InteractiveError`].
pub async fn interactive(dir: &Path, name: &str) -> Result<(), InteractiveError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(InteractiveError::NoTerminal);
    }
    let room = Room::enter(dir).await?;
    let client = match room.person(name).await {
        Ok(client) => client,
        Err(error) => {
            room.leave().await;
            return Err(error.into());
        }
    };
    let mut app = app::App::new(&room, client.clone(), name);
    let mut terminal = ratatui::try_init()?;
    let ended = terminal::run(&mut terminal, &mut app).await;
    ratatui::restore();
    drop(app);
    // What was not sent waits in the store for the next time.
    let _ = client.close().await;
    room.leave().await;
    Ok(ended?)
}
