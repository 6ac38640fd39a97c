//! `--interactive`: people in several terminals talk through one relay.
//!
//! The first terminal in a room also runs the relay; the others find it through the room's folder. Everything in the room
//! is for one machine and one user of it: whoever may read the folder may be anybody.

mod command;
mod door;
mod view;

pub use command::{Command, CommandError};
pub use door::{Door, DoorError, Room};
