//! The program `curo-relay`: arguments, logs, signals. Everything else is in the library.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use curo_relay::{Config, Relay, ServiceConfig};
use curo_types::{DeviceId, TenantId};
use tracing_subscriber::EnvFilter;

/// The relay of Curo: orders, keeps and delivers end-to-end encrypted conversations.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the relay until SIGTERM or SIGINT.
    Serve {
        /// The TOML configuration file.
        #[arg(long)]
        config: PathBuf,
    },
    /// Writes a backup, also while a relay serves from the same data folder.
    Backup {
        /// The TOML configuration file of the relay.
        #[arg(long)]
        config: PathBuf,
        /// The folder to make. There must be nothing of this name.
        #[arg(long)]
        to: PathBuf,
    },
    /// Makes the data folder, which must be absent or empty, from a backup. The store gets a new id, so that clients notice.
    Restore {
        /// The TOML configuration file of the relay.
        #[arg(long)]
        config: PathBuf,
        /// The folder of the backup.
        #[arg(long)]
        from: PathBuf,
    },
    /// Revokes a device for good, also while a relay serves from the same data folder: a lost or stolen phone.
    Revoke {
        /// The TOML configuration file of the relay.
        #[arg(long)]
        config: PathBuf,
        /// The tenant.
        #[arg(long)]
        tenant: TenantId,
        /// The device: 32 hexadecimal digits.
        #[arg(long)]
        device: DeviceId,
    },
    /// Prints the OpenAPI 3.1 document of the API.
    Openapi,
    /// Checks the configuration without starting anything.
    CheckConfig {
        /// The TOML configuration file.
        #[arg(long)]
        config: PathBuf,
    },
}

fn main() -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _scenario = fail::FailScenario::setup();
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Serve { config } => serve(&config),
        Command::CheckConfig { config } => check(&config),
        Command::Backup { config, to } => backup(&config, &to),
        Command::Restore { config, from } => restore(&config, &from),
        Command::Revoke { config, tenant, device } => revoke(&config, &tenant, device),
        Command::Openapi => print(curo_relay::openapi()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do if standard error is closed.
            let _ = writeln!(std::io::stderr(), "curo-relay: {error}");
            ExitCode::FAILURE
        }
    }
}

type Failure = Box<dyn std::error::Error>;

fn check(path: &std::path::Path) -> Result<(), Failure> {
    let config = Config::load(path)?;
    writeln!(
        std::io::stdout(),
        "{} tenants, listening on {}",
        config.tenants.len(),
        config.listen
    )?;
    Ok(())
}

fn backup(config: &std::path::Path, to: &std::path::Path) -> Result<(), Failure> {
    Ok(curo_relay::backup(&Config::load(config)?, to)?)
}

fn restore(config: &std::path::Path, from: &std::path::Path) -> Result<(), Failure> {
    let store = curo_relay::restore(&Config::load(config)?, from)?;
    writeln!(std::io::stdout(), "restored as store {store}")?;
    Ok(())
}

fn revoke(config: &std::path::Path, tenant: &TenantId, device: DeviceId) -> Result<(), Failure> {
    let config = Config::load(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let version = runtime.block_on(curo_relay::revoke(&config, tenant, device))?;
    writeln!(std::io::stdout(), "{device} is revoked by directory version {version}")?;
    Ok(())
}

fn print(text: &str) -> Result<(), Failure> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

fn serve(path: &std::path::Path) -> Result<(), Failure> {
    let filter = EnvFilter::try_from_env("CURO_RELAY_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    log_panics();
    let config = ServiceConfig::load(path)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let relay = Relay::start_service(config).await?;
        stop_signal().await?;
        relay.shutdown().await;
        Ok(())
    })
}

/// The text of a panic may quote anything, so only its place is logged.
fn log_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
}

#[cfg(unix)]
async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn stop_signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
