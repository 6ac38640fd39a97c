//! `curo-demo`: a scenario played on a real relay with real clients, and proofs of what is promised.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use curo_demo::interactive::{DoorError, InteractiveError, interactive};
use curo_demo::{CARE_TEAM, Logs, Output, SCRIPT_LIMIT, Script, play};

/// Something that was expected or promised does not hold, or the play broke off.
const FAILED: u8 = 1;
/// The script or the command line makes no sense; nothing was played.
const WRONG: u8 = 2;

/// Plays a scenario with a real relay and real clients: end-to-end encrypted, on encrypted stores, with proofs.
///
/// Exit code 0: every expectation and proof holds; 1: one does not; 2: the script is wrong and nothing was played.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    /// The scenario to play (YAML, see docs/demo.md); a care team's day unless given.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Only reads and checks a scenario.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["script", "keep"])]
    check: Option<PathBuf>,
    /// Talk instead: every terminal that runs this is a person in the same room, the first one runs the relay too.
    #[arg(long, requires = "name", conflicts_with_all = ["script", "check", "keep"])]
    interactive: bool,
    /// Who you are in the room.
    #[arg(long = "as", value_name = "NAME", requires = "interactive")]
    name: Option<String>,
    /// The room's folder; terminals with the same one meet. It stays, with everything that was said.
    #[arg(
        long,
        value_name = "DIR",
        requires = "interactive",
        default_value = "target/demo-room"
    )]
    room: PathBuf,
    /// Keeps all files of relay and people in this folder, which must be empty or absent.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(name) = &arguments.name {
        return talk(&arguments.room, name);
    }
    let file = arguments.check.as_deref().or(arguments.script.as_deref());
    let script = match read(file) {
        Ok(script) => script,
        Err(reason) => return tell(&reason, WRONG),
    };
    if arguments.check.is_some() {
        return tell(&"the script can be played", 0);
    }
    let folder = match Folder::new(arguments.keep) {
        Ok(folder) => folder,
        Err(reason) => return tell(&reason, WRONG),
    };
    run(&script, &folder)
}

fn talk(room: &Path, name: &str) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return tell(&error, FAILED),
    };
    match runtime.block_on(interactive(room, name)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ (InteractiveError::NoTerminal | InteractiveError::Door(DoorError::Name))) => tell(&error, WRONG),
        Err(error) => tell(&error, FAILED),
    }
}

fn read(file: Option<&Path>) -> Result<Script, String> {
    let Some(file) = file else {
        return Script::parse(CARE_TEAM).map_err(|error| error.to_string());
    };
    let name = file.display();
    let unreadable = |error: io::Error| format!("{name}: {error}");
    let size = std::fs::metadata(file).map_err(unreadable)?.len();
    if size > SCRIPT_LIMIT as u64 {
        return Err(format!("{name}: the script is larger than {SCRIPT_LIMIT} bytes"));
    }
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    Script::parse(&text).map_err(|error| format!("{name}: {error}"))
}

/// Where the play keeps its files; a temporary one vanishes with the value.
enum Folder {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    fn new(keep: Option<PathBuf>) -> Result<Self, String> {
        let Some(dir) = keep else {
            return tempfile::tempdir()
                .map(Self::Temporary)
                .map_err(|error| format!("temporary folder: {error}"));
        };
        let unusable = |error: io::Error| format!("{}: {error}", dir.display());
        std::fs::create_dir_all(&dir).map_err(unusable)?;
        if std::fs::read_dir(&dir).map_err(unusable)?.next().is_some() {
            return Err(format!("{}: the folder is not empty", dir.display()));
        }
        Ok(Self::Kept(dir))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(dir) => dir,
            Self::Temporary(dir) => dir.path(),
        }
    }
}

fn run(script: &Script, folder: &Folder) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return tell(&error, FAILED),
    };
    let logs = Logs::capture().unwrap_or_default();
    let mut stdout = io::stdout();
    let colours = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut out = Output::new(&mut stdout, colours);
    // Interrupted, the temporary folder still vanishes.
    let played = runtime.block_on(async {
        tokio::select! {
            played = play(script, folder.path(), &logs, &mut out) => Some(played),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    if let Folder::Kept(dir) = folder {
        tell(&format_args!("all files are kept in {}", dir.display()), 0);
    }
    match played {
        Some(Ok(verdict)) if verdict.holds() => ExitCode::SUCCESS,
        Some(Ok(_)) => ExitCode::from(FAILED),
        Some(Err(error)) => tell(&error, FAILED),
        None => tell(&"interrupted", FAILED),
    }
}

/// Says it where errors are said. A closed stream is no reason for another error.
fn tell(what: &dyn Display, code: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "curo-demo: {what}");
    ExitCode::from(code)
}
