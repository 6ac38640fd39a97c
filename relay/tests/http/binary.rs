//! The program itself: arguments, logs, signals.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use reqwest::Method;

use crate::device::Device;
use crate::world::{World, tenant};

const KEY: &str = "07070707070707070707070707070707070707070707070707070707070707070808080808080808080808080808080a";

pub fn program(world: &World, command: &str, config: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_curo-relay"));
    program
        .arg(command)
        .arg("--config")
        .arg(config)
        .env("CURO_RELAY_DB_KEY", KEY)
        .current_dir(world.dir.path());
    program
}

pub fn write_config(world: &World) -> std::path::PathBuf {
    let tenant_config = world.issuer.tenant(&tenant());
    let path = world.dir.path().join("relay.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\ndata_dir = \"binary\"\n[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n\
         [[tenants]]\nid = \"{}\"\nissuer = \"{}\"\naudience = \"{}\"\njwks_url = \"{}\"\nalgorithms = [\"EdDSA\"]\n",
        tenant_config.id,
        tenant_config.issuer,
        tenant_config.audience,
        world.issuer.jwks_url(),
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn check_config_says_what_is_wrong() {
    let world = World::start().await;
    let path = write_config(&world);
    let good = program(&world, "check-config", &path).output().unwrap();
    assert!(good.status.success(), "{good:?}");
    std::fs::write(&path, "listen = 7").unwrap();
    let bad = program(&world, "check-config", &path).output().unwrap();
    assert!(!bad.status.success());
    assert!(String::from_utf8(bad.stderr).unwrap().contains("line 1"));
}

#[test]
fn openapi_prints_the_document_of_the_api() {
    let printed = Command::new(env!("CARGO_BIN_EXE_curo-relay"))
        .arg("openapi")
        .output()
        .unwrap();
    assert!(printed.status.success(), "{printed:?}");
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), curo_relay::openapi());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_serves_stops_on_sigterm_and_logs_nothing_that_it_should_not() {
    let mut world = World::start().await;
    let path = write_config(&world);
    let mut child = program(&world, "serve", &path).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    let addr = loop {
        let start = text.len();
        assert_ne!(log.read_line(&mut text).unwrap(), 0, "ended: {text}");
        let line: serde_json::Value = serde_json::from_str(&text[start..]).unwrap();
        if let Some(addr) = line["fields"]["addr"].as_str() {
            break addr.to_owned();
        }
    };
    world.move_to(&addr);
    let device = Device::new(&world, "canary-subject@example.org").await;
    device.sync(&world, None, 0).await.unwrap();
    let query = device.request(&world, Method::GET, "/v1/stream?token=canary-query&inbox_ack=0");
    assert!(!query.send().await.unwrap().status().is_success());
    let body = device
        .request(&world, Method::POST, "/v1/people")
        .json(&serde_json::json!({"subjects": ["canary-body", 7]}));
    assert!(!body.send().await.unwrap().status().is_success());

    // The shell's own `kill` is everywhere.
    let stopped = Command::new("sh")
        .arg("-c")
        .arg(format!("kill -TERM {}", child.id()))
        .status()
        .unwrap();
    assert!(stopped.success());
    std::io::Read::read_to_string(&mut log, &mut text).unwrap();
    assert!(child.wait().unwrap().success(), "{text}");
    assert!(text.contains("/v1/people") && text.contains("st-mary"), "{text}");
    for secret in ["canary", device.token.rsplit('.').next().unwrap(), KEY] {
        assert!(!text.contains(secret), "{secret} is in the log: {text}");
    }
}
