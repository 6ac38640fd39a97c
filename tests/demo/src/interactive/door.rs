//! The room: a folder with the relay's files, everybody's stores, and a door through which other terminals find the relay
//! and get access tokens. Knows nothing of what is said.

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use curo::{AccessToken, Client, ClientOptions, FileVault, NoToken, TokenProvider, TokenReason};
use curo_kit::{KitError, TestRelay};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A subject has at most 255 bytes, the secret 64.
const LINE: u64 = 512;
const PATIENCE: Duration = Duration::from_secs(5);
const TOKEN_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// Why a room cannot be entered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DoorError {
    /// The folder cannot be used.
    #[error("{0}: {1}")]
    Folder(PathBuf, io::Error),
    /// The relay could not be started.
    #[error(transparent)]
    Relay(#[from] KitError),
    /// Somebody is starting the relay, or their terminal is gone and its lock is not.
    #[error("the terminal that runs the relay does not answer; try again")]
    NobodyHome,
    /// The same person is in another terminal.
    #[error("{0} is here already, in another terminal")]
    AlreadyHere(String),
    /// A name must serve as a folder's name too.
    #[error("a name has 1 to 40 letters, digits, `-` and `_`")]
    Name,
    /// The client says no.
    #[error("the client: {0}")]
    Client(#[from] curo::Error),
}

/// What other terminals need to know. Readable by its owner only.
#[derive(Clone, Serialize, Deserialize)]
pub struct Door {
    relay: String,
    ca: String,
    tokens: SocketAddr,
    secret: String,
}

/// A terminal's place in a room; the relay runs for as long as the first one is there.
pub struct Room {
    dir: PathBuf,
    door: Door,
    hosted: Option<Hosted>,
}

struct Hosted {
    relay: Arc<TestRelay>,
    tokens: tokio::task::JoinHandle<()>,
    _lock: File,
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.tokens.abort();
    }
}

impl Room {
    /// Enters the room of this folder, and opens it if nobody is there.
    ///
    /// # Errors
    /// [`DoorError`] with the reason.
    pub async fn enter(dir: &Path) -> Result<Self, DoorError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| DoorError::Folder(path, error)
        };
        private_folder(dir).map_err(at(dir))?;
        let lock_path = dir.join("host.lock");
        let lock = File::options()
            .create(true)
            .append(true)
            .open(&lock_path)
            .map_err(at(&lock_path))?;
        let door_path = dir.join("door.json");
        match lock.try_lock() {
            Ok(()) => {
                let relay = Arc::new(TestRelay::builder().dir(dir.join("relay")).start().await?);
                let (door, tokens) = open_door(&relay).await.map_err(at(dir))?;
                write_private(&door_path, &door).map_err(at(&door_path))?;
                Ok(Self {
                    dir: dir.to_owned(),
                    door,
                    hosted: Some(Hosted {
                        relay,
                        tokens,
                        _lock: lock,
                    }),
                })
            }
            Err(TryLockError::WouldBlock) => {
                let found = async {
                    loop {
                        // The one who runs the relay writes the door when it is open.
                        if let Ok(door) = read_door(&door_path)
                            && token(&door, "probe").await.is_some()
                        {
                            return door;
                        }
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                };
                let found = tokio::time::timeout(PATIENCE, found).await;
                Ok(Self {
                    dir: dir.to_owned(),
                    door: found.map_err(|_| DoorError::NobodyHome)?,
                    hosted: None,
                })
            }
            Err(TryLockError::Error(error)) => Err(DoorError::Folder(lock_path, error)),
        }
    }

    /// Whether this terminal runs the relay.
    pub const fn is_host(&self) -> bool {
        self.hosted.is_some()
    }

    /// Everyone who was ever here, in order.
    ///
    /// # Errors
    /// [`DoorError::Folder`].
    pub fn names(&self) -> Result<Vec<String>, DoorError> {
        let people = self.dir.join("people");
        let mut names = Vec::new();
        let listing = fs::read_dir(&people).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        for entry in listing.map_err(|error| DoorError::Folder(people, error))? {
            names.extend(entry.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    /// Opens the client of a person, signs in and starts it.
    ///
    /// # Errors
    /// [`DoorError`] with the reason; [`DoorError::AlreadyHere`] if another terminal has the person's store.
    pub async fn person(&self, name: &str) -> Result<Client, DoorError> {
        let formed = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        if !(1..=40).contains(&name.chars().count()) || !name.chars().all(formed) {
            return Err(DoorError::Name);
        }
        let dir = self.dir.join("people").join(name);
        let keys = dir.join("keys");
        fs::create_dir_all(&keys).map_err(|error| DoorError::Folder(keys.clone(), error))?;
        let vault = FileVault::with_key_file(&keys, &dir.join("wrapping.key"))
            .map_err(|error| DoorError::Folder(dir.clone(), io::Error::other(error.to_string())))?;
        let ca = STANDARD.decode(&self.door.ca).unwrap_or_default();
        let options = ClientOptions::new(dir.join("profiles"), &self.door.relay).extra_root(ca);
        let tokens = Tokens {
            door: self.door.clone(),
            subject: name.to_owned(),
        };
        let client = match Client::open(options, Arc::new(vault), Arc::new(tokens)).await {
            Err(error) if *error.code() == curo::ErrorCode::BUSY => {
                return Err(DoorError::AlreadyHere(name.to_owned()));
            }
            opened => opened?,
        };
        client.sign_in().await?;
        client.start().await?;
        Ok(client)
    }

    /// Leaves; who runs the relay stops it in good order.
    pub async fn leave(mut self) {
        if let Some(hosted) = self.hosted.take() {
            let _ = fs::remove_file(self.dir.join("door.json"));
            let relay = Arc::clone(&hosted.relay);
            drop(hosted);
            if let Ok(mut relay) = Arc::try_unwrap(relay) {
                relay.stop().await;
            }
        }
    }
}

fn private_folder(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir.join("people"))?;
    #[cfg(unix)]
    fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

/// Whole or not at all: readers never see half a door.
fn write_private(path: &Path, door: &Door) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&file, door)?;
    file.persist(path)?;
    Ok(())
}

fn read_door(path: &Path) -> io::Result<Door> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// Serves access tokens to whoever knows the door's secret: `SECRET SUBJECT` and a line feed, then the token.
async fn open_door(relay: &Arc<TestRelay>) -> io::Result<(Door, tokio::task::JoinHandle<()>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|_| io::Error::other("no randomness"))?;
    let door = Door {
        relay: relay.url(),
        ca: STANDARD.encode(relay.ca().root_der()),
        tokens: listener.local_addr()?,
        secret: hex::encode(secret),
    };
    let (issuer, tenant) = (Arc::clone(relay.issuer()), relay.tenant().clone());
    let secret = door.secret.clone();
    let server = tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // Out of descriptors, most likely: those who wait give up before this does.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let (issuer, tenant, secret) = (Arc::clone(&issuer), tenant.clone(), secret.clone());
            tokio::spawn(tokio::time::timeout(PATIENCE, async move {
                let (read, mut write) = stream.into_split();
                let mut line = String::new();
                let asked = BufReader::new(read.take(LINE)).read_line(&mut line).await;
                if let (Ok(_), Some((given, subject))) = (asked, line.trim_end().split_once(' '))
                    && given == secret
                {
                    let token = issuer.mint(&tenant, subject, TOKEN_LIFETIME);
                    let _ = write.write_all(token.as_bytes()).await;
                }
            }));
        }
    });
    Ok((door, server))
}

async fn token(door: &Door, subject: &str) -> Option<String> {
    let asking = async {
        let mut stream = TcpStream::connect(door.tokens).await?;
        stream
            .write_all(format!("{} {subject}\n", door.secret).as_bytes())
            .await?;
        let mut token = String::new();
        stream.read_to_string(&mut token).await?;
        io::Result::Ok(token)
    };
    let answered = tokio::time::timeout(PATIENCE, asking).await.ok()?.ok()?;
    (!answered.is_empty()).then_some(answered)
}

/// A person's tokens, from the terminal that runs the relay.
struct Tokens {
    door: Door,
    subject: String,
}

#[async_trait]
impl TokenProvider for Tokens {
    async fn token(&self, _: TokenReason) -> Result<AccessToken, NoToken> {
        token(&self.door, &self.subject)
            .await
            .map(AccessToken::new)
            .ok_or(NoToken)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn the_first_runs_the_relay_and_others_find_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = Room::enter(folder.path()).await.unwrap();
        let second = Room::enter(folder.path()).await.unwrap();
        assert!(first.is_host() && !second.is_host());
        let ana = first.person("ana").await.unwrap();
        let ben = second.person("ben").await.unwrap();
        assert_eq!(first.names().unwrap(), ["ana", "ben"]);
        assert_eq!(ana.find_people(&["ben"]).await.unwrap().len(), 1);
        assert!(matches!(second.person("ana").await, Err(DoorError::AlreadyHere(_))));
        for wrong in ["", "..", "a/b", &"x".repeat(41)] {
            assert!(matches!(first.person(wrong).await, Err(DoorError::Name)), "{wrong}");
        }
        // Who does not know the secret is told nothing.
        let stranger = Door {
            secret: "0".repeat(64),
            ..first.door.clone()
        };
        assert_eq!(token(&stranger, "ana").await, None);
        ana.close().await.unwrap();
        ben.close().await.unwrap();
        first.leave().await;
        // The room goes on where it stood, with whoever comes first.
        let again = Room::enter(folder.path()).await.unwrap();
        assert!(again.is_host());
        let ana = again.person("ana").await.unwrap();
        assert_eq!(ana.find_people(&["ben"]).await.unwrap().len(), 1);
        ana.close().await.unwrap();
        again.leave().await;
    }
}
