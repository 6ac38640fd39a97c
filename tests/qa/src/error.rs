//! Why a play could not go on for reasons that are not the product's.

/// The runner, a driver or the machine is at fault; an expectation that does not hold is no error, but a result.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Broken(String);

impl Broken {
    /// For this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    pub(crate) fn any(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }

    pub(crate) fn kit(error: curo_kit::KitError) -> Self {
        Self(format!("the play's world: {error}"))
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self(format!("i/o: {error}"))
    }
}
