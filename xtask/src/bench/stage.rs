//! What all platforms measure against: one relay, one author, and a folder for each device.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::bindings;
use crate::failure::Failure;
use crate::workspace::Workspace;

use super::figures::Sample;
use super::programs::{Platform, Programs};
use super::talker::Talker;

pub(super) struct Stage {
    folder: PathBuf,
    relay: Talker,
    url: String,
    authority: Vec<u8>,
    author: Talker,
    users: Vec<String>,
    limit: Duration,
}

impl Stage {
    /// Starts the relay and the author.
    pub(super) fn set(workspace: &Workspace, programs: &Programs, limit: Duration) -> Result<Self, Failure> {
        let folder = bindings::target(workspace).join("bench/devices");
        remove(&folder)?;
        let mut relay = Talker::start("the relay", std::slice::from_ref(&programs.relay), &[], limit)?;
        let told = relay.answer()?;
        let words: Vec<_> = told.split(' ').collect();
        let [_, url, authority] = words.as_slice() else {
            return Err(Failure::malformed("the relay", told));
        };
        let authority = bytes(authority).ok_or_else(|| Failure::malformed("the relay", "no certificate"))?;
        let (url, own) = ((*url).to_owned(), folder.join("author"));
        device(&own, &mut relay, "author", &url, &authority, limit)?;
        let arguments = ["author", &own.display().to_string()];
        let mut author = Talker::start("the author", &programs.author, &arguments, limit)?;
        author.answer()?;
        Ok(Self {
            folder,
            relay,
            url,
            authority,
            author,
            users: Vec::new(),
            limit,
        })
    }

    /// Makes a device of a person of its own, who will be in the conversation.
    pub(super) fn sign_in(&mut self, platform: &Platform, number: usize) -> Result<(), Failure> {
        let (folder, name) = (self.device(platform, number), format!("{}-{number}", platform.name));
        device(&folder, &mut self.relay, &name, &self.url, &self.authority, self.limit)?;
        let arguments = ["sign-in", &folder.display().to_string()];
        let mut program = Talker::start(platform.name, &platform.command, &arguments, self.limit)?;
        let told = program.answer()?;
        program.end()?;
        let user = read(&told)?["user"].as_str().map(str::to_owned);
        self.users
            .push(user.ok_or_else(|| Failure::malformed(platform.name, told))?);
        Ok(())
    }

    /// Writes so many messages to everybody.
    pub(super) fn write(&mut self, messages: usize) -> Result<(), Failure> {
        for line in [format!("create {}", self.users.join(" ")), format!("write {messages}")] {
            self.author.tell(&line, self.limit)?;
            self.author.answer()?;
        }
        Ok(())
    }

    /// What a platform's program measures in a phase. Where it wants live messages, the author sends them.
    pub(super) fn play(&mut self, platform: &Platform, number: usize, phase: &[&str]) -> Result<Vec<Sample>, Failure> {
        let folder = self.device(platform, number).display().to_string();
        let mut arguments = phase.to_vec();
        arguments.insert(1, &folder);
        let mut program = Talker::start(platform.name, &platform.command, &arguments, self.limit)?;
        let (mut samples, mut asked) = (Vec::new(), false);
        while let Some(line) = program.heard()? {
            let told = read(&line)?;
            if let Some(count) = told["want"].as_u64() {
                self.author.tell(&format!("live {count}"), self.limit)?;
                asked = true;
            } else {
                samples.push(Sample::of(&told).ok_or_else(|| Failure::malformed(platform.name, line))?);
            }
        }
        program.end()?;
        if asked {
            self.author.answer()?;
        }
        Ok(samples)
    }

    /// Ends everything, and takes the devices away.
    pub(super) fn clear(self) -> Result<(), Failure> {
        self.author.end()?;
        self.relay.end()?;
        remove(&self.folder)
    }

    fn device(&self, platform: &Platform, number: usize) -> PathBuf {
        self.folder.join(format!("{}-{number}", platform.name))
    }
}

/// An app's folder with what it needs to reach the relay as somebody.
fn device(
    folder: &PathBuf,
    relay: &mut Talker,
    name: &str,
    url: &str,
    authority: &[u8],
    limit: Duration,
) -> Result<(), Failure> {
    relay.tell(name, limit)?;
    let token = relay.answer()?;
    fs::create_dir_all(folder).map_err(|source| Failure::io(folder, source))?;
    for (file, content) in [
        ("relay", url.as_bytes()),
        ("ca.der", authority),
        ("token", token.as_bytes()),
    ] {
        let file = folder.join(file);
        fs::write(&file, content).map_err(|source| Failure::io(&file, source))?;
    }
    Ok(())
}

fn read(line: &str) -> Result<Value, Failure> {
    serde_json::from_str(line).map_err(|error| Failure::malformed(line, error))
}

/// What hexadecimal digits say.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(byte).collect()
}

fn remove(folder: &PathBuf) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Failure::io(folder, source)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_bytes() {
        assert_eq!(bytes("00ff7a"), Some(vec![0, 255, 0x7a]));
        assert_eq!(bytes("0x"), None);
        assert_eq!(bytes("é"), None);
    }
}
