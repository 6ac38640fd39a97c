//! What a person types: a message, or a command behind a slash. Knows no client and no screen.

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Nothing: an empty line.
    Nothing,
    /// Send this.
    Say(String),
    /// Send this with a priority that asks for an acknowledgement.
    Urgent(String),
    /// Start a conversation with these people; the title may be empty.
    New {
        /// Who.
        people: Vec<String>,
        /// Its title.
        title: Option<String>,
    },
    /// Open the direct conversation with a person.
    Direct(String),
    /// Add these people to the conversation.
    Add(Vec<String>),
    /// Remove these people from it.
    Remove(Vec<String>),
    /// Leave it.
    Leave,
    /// Change the own message with this number, counted from the newest own one, 1 first.
    Edit(usize, String),
    /// Delete it.
    Delete(usize),
    /// Acknowledge the newest urgent message of somebody else.
    Acknowledge,
    /// Find messages.
    Search(String),
    /// Lock the store.
    Lock,
    /// Open it again.
    Unlock,
    /// Show the commands.
    Help,
    /// End.
    Quit,
}

/// Why a line makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// No such command.
    #[error("there is no /{0}; /help lists what there is")]
    Unknown(String),
    /// The command wants something behind it.
    #[error("usage: {0}")]
    Usage(&'static str),
}

/// The commands, for the help.
pub(crate) const USAGES: [&str; 14] = [
    "/new NAME… [: TITLE]   a conversation with these people",
    "/direct NAME           the conversation with one person",
    "/add NAME…             add people",
    "/remove NAME…          remove people",
    "/leave                 leave the conversation",
    "/urgent TEXT           a message that asks for an acknowledgement",
    "/ack                   acknowledge the newest urgent message",
    "/edit [N] TEXT         change your newest message, or the Nth newest",
    "/delete [N]            delete it",
    "/search TEXT           in all conversations",
    "/lock                  close the store; the key is wiped",
    "/unlock                open it again",
    "/help                  this",
    "/quit                  end (Ctrl-C too)",
];

fn usage(command: &str) -> CommandError {
    let line = USAGES.iter().find(|line| line.split(' ').next() == Some(command));
    CommandError::Usage(line.copied().unwrap_or("/help"))
}

impl Command {
    /// Reads a line. `//` at the start says a text that begins with a slash.
    ///
    /// # Errors
    /// [`CommandError`] for a line that begins with a slash and is no command.
    pub fn parse(line: &str) -> Result<Self, CommandError> {
        let line = line.trim();
        if line.is_empty() {
            return Ok(Self::Nothing);
        }
        let Some(rest) = line.strip_prefix('/') else {
            return Ok(Self::Say(line.to_owned()));
        };
        if rest.starts_with('/') {
            return Ok(Self::Say(rest.to_owned()));
        }
        let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let rest = rest.trim();
        let command = format!("/{name}");
        let people = |rest: &str| -> Result<Vec<String>, CommandError> {
            let people: Vec<_> = rest
                .split([' ', ','])
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect();
            if people.is_empty() {
                Err(usage(&command))
            } else {
                Ok(people)
            }
        };
        let text = || {
            if rest.is_empty() {
                Err(usage(&command))
            } else {
                Ok(rest.to_owned())
            }
        };
        // A number in front counts messages.
        let counted = || match rest.split_once(' ').unwrap_or((rest, "")) {
            (number, rest) if number.parse::<usize>().is_ok_and(|n| n > 0) => {
                (number.parse().unwrap_or(1), rest.trim().to_owned())
            }
            _ => (1, rest.to_owned()),
        };
        Ok(match name {
            "new" => {
                let (who, title) = rest.split_once(':').unwrap_or((rest, ""));
                let title = title.trim();
                Self::New {
                    people: people(who)?,
                    title: (!title.is_empty()).then(|| title.to_owned()),
                }
            }
            "direct" => match people(rest)?.as_slice() {
                [person] => Self::Direct(person.clone()),
                _ => return Err(usage("/direct")),
            },
            "add" => Self::Add(people(rest)?),
            "remove" => Self::Remove(people(rest)?),
            "leave" => Self::Leave,
            "urgent" => Self::Urgent(text()?),
            "ack" => Self::Acknowledge,
            "edit" => match counted() {
                (_, text) if text.is_empty() => return Err(usage("/edit")),
                (number, text) => Self::Edit(number, text),
            },
            "delete" => match counted() {
                (number, rest) if rest.is_empty() => Self::Delete(number),
                _ => return Err(usage("/delete")),
            },
            "search" => Self::Search(text()?),
            "lock" => Self::Lock,
            "unlock" => Self::Unlock,
            "help" => Self::Help,
            "quit" => Self::Quit,
            other => return Err(CommandError::Unknown(other.to_owned())),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn lines_mean_what_they_say() {
        let people = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        for (line, command) in [
            ("  ", Command::Nothing),
            ("BP 118/76 ", Command::Say("BP 118/76".into())),
            ("//etc", Command::Say("/etc".into())),
            (
                "/new ben, cy: Bed 12",
                Command::New {
                    people: people(&["ben", "cy"]),
                    title: Some("Bed 12".into()),
                },
            ),
            (
                "/new ben",
                Command::New {
                    people: people(&["ben"]),
                    title: None,
                },
            ),
            ("/direct ben", Command::Direct("ben".into())),
            ("/add dee eve", Command::Add(people(&["dee", "eve"]))),
            ("/urgent  come now", Command::Urgent("come now".into())),
            ("/edit BP 120", Command::Edit(1, "BP 120".into())),
            ("/edit 2 BP 120", Command::Edit(2, "BP 120".into())),
            ("/delete", Command::Delete(1)),
            ("/delete 3", Command::Delete(3)),
            ("/search fever", Command::Search("fever".into())),
            ("/lock", Command::Lock),
        ] {
            assert_eq!(Command::parse(line).unwrap(), command, "{line}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for line in [
            "/new",
            "/new : title",
            "/direct",
            "/direct a b",
            "/add",
            "/edit",
            "/edit 2",
            "/delete all",
            "/search ",
        ] {
            let error = Command::parse(line).unwrap_err();
            assert!(
                matches!(error, CommandError::Usage(usage) if usage.starts_with('/')),
                "{line}: {error}"
            );
        }
        assert_eq!(
            Command::parse("/frob").unwrap_err(),
            CommandError::Unknown("frob".into())
        );
    }
}
