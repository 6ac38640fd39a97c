//! People of the tenant.

use curo::UserId;

/// Somebody of this tenant.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct Person {
    /// The identity provider's subject that was asked for.
    pub subject: String,
    /// The user.
    pub user: UserId,
    /// The name that they have told inside conversations, if this device has heard it.
    pub name: Option<String>,
}

impl From<curo::Person> for Person {
    fn from(person: curo::Person) -> Self {
        let curo::Person { subject, user, name } = person;
        Self {
            subject,
            user,
            name: name.map(curo::Text::into_string),
        }
    }
}
