//! People, by the identity provider's subject.

use curo_store::repo::{about, person};
use curo_types::api::limits;
use curo_types::{ErrorCode, Text, UserId};
use rusqlite::Connection;

use crate::client::Client;
use crate::error::{Error, Fault, Result};

/// A person that was looked up.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The identity provider's subject.
    pub subject: String,
    /// The user.
    pub user: UserId,
    /// How the user wants to be called, where a conversation with this user has told this device.
    pub name: Option<Text>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A subject may be an e-mail address.
        write!(f, "Person({:?})", self.user)
    }
}

impl Client {
    /// Looks people up by the identity provider's subject. Who never signed in is left out; known people work offline.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client) -> curo::Result<()> {
    /// for person in client.find_people(&["dr-lee", "pat-jones"]).await? {
    ///     println!("{} is {}", person.subject, person.user);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `invalid_argument` (none, or more than 250), `offline`, `rate_limited`, `sign_in_needed`, `locked`.
    pub async fn find_people(&self, subjects: &[&str]) -> Result<Vec<Person>> {
        if subjects.is_empty() || subjects.len() > limits::USERS_PER_REQUEST {
            return Err(Error::new(ErrorCode::INVALID_ARGUMENT));
        }
        let wanted: Vec<String> = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        let (known, missing) = self.known_people(wanted).await?;
        if missing.is_empty() {
            return Ok(known);
        }
        self.core.account().await?;
        let answer = self.core.relay.people(missing.clone()).await?;
        let kept: Vec<_> = answer
            .people
            .into_iter()
            .filter(|p| missing.contains(&p.subject))
            .collect();
        let keep = self.core.db.write(move |tx| {
            kept.into_iter()
                .map(|p| {
                    person::keep(tx.conn, &p.subject, p.user)?;
                    named(tx.conn, p.subject, p.user)
                })
                .collect::<std::result::Result<Vec<_>, Fault>>()
        });
        let found = keep.await?;
        Ok(known.into_iter().chain(found).collect())
    }

    async fn known_people(&self, wanted: Vec<String>) -> Result<(Vec<Person>, Vec<String>)> {
        let sorted = self.core.db.read(move |conn| {
            let (mut known, mut missing) = (Vec::new(), Vec::new());
            for subject in wanted {
                match person::find(conn, &subject)? {
                    Some(user) => known.push(named(conn, subject, user)?),
                    None => missing.push(subject),
                }
            }
            Ok((known, missing))
        });
        Ok(sorted.await?)
    }
}

fn named(conn: &Connection, subject: String, user: UserId) -> std::result::Result<Person, Fault> {
    let name = about::name_of(conn, user)?.map(Text::new);
    Ok(Person { subject, user, name })
}
