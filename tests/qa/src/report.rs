//! What a run leaves behind: JUnit XML for machines, one HTML page for people.

mod html;
mod junit;

pub use html::html;
pub use junit::junit;
