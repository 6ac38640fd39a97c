//! The configuration file: what is taken, and how each mistake is named.

use super::*;

const KEY: &str = "11111111111111111111111111111111111111111111111111111111111111112222222222222222222222222222222a";
const GOOD: &str = r#"
listen = "127.0.0.1:8443"
data_dir = "data"

[tls]
cert = "cert.pem"
key = "key.pem"

[limits]
heartbeat_ms = 500

[[tenants]]
id = "st-mary"
issuer = "https://id.example"
audience = "curo"
jwks_file = "jwks.json"
algorithms = ["EdDSA", "ES256"]
"#;

fn load_text(text: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    load_service(text, env).map(|service| service.relay)
}

fn load_service(text: &str, env: &[(&str, &str)]) -> Result<ServiceConfig, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relay.toml");
    std::fs::write(&path, text).unwrap();
    let env: Vec<_> = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    load(&path, &move |name| {
        env.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone())
    })
}

#[test]
fn file_and_environment_make_a_config_without_printing_the_key() {
    let config = load_text(GOOD, &[("CURO_RELAY_DB_KEY", KEY), ("CURO_RELAY_LISTEN", "[::1]:0")]).unwrap();
    assert_eq!(config.listen, "[::1]:0".parse().unwrap());
    assert_eq!(config.limits.heartbeat, Duration::from_millis(500));
    assert!(config.tls.cert.is_absolute() && config.tls.cert.ends_with("cert.pem"));
    assert_eq!(
        (config.database_key.key, config.database_key.salt[15]),
        ([0x11; 32], 0x2a)
    );
    assert!(!format!("{config:?}").contains("1111"), "the key must not be printed");
}

#[test]
fn every_mistake_is_named() {
    let key = [("CURO_RELAY_DB_KEY", KEY)];
    let change = |from: &str, to: &str| {
        assert!(GOOD.contains(from), "{from}");
        load_text(&GOOD.replace(from, to), &key).unwrap_err().to_string()
    };
    let tenant = GOOD
        .split_once("\n[[tenants]]")
        .map(|(_, rest)| format!("[[tenants]]{rest}"))
        .unwrap();
    let cases = [
        (change("listen =", "listne ="), "listne"),
        (
            change("listen =", "min_client_version = \"2\"\nlisten ="),
            "min_client_version",
        ),
        (change("[[tenants]]", "[[tenants]]\nsecret = 1"), "secret"),
        (change("jwks_file = \"jwks.json\"", ""), "exactly one of"),
        (
            change("jwks_file = \"jwks.json\"", "jwks_url = \"http://id.example/keys\""),
            "loopback",
        ),
        (
            change("jwks_file = \"jwks.json\"", "jwks_url = \"http://localhost/keys\""),
            "loopback",
        ),
        (
            change("jwks_file = \"jwks.json\"", "jwks_url = \"ftp://127.0.0.1/keys\""),
            "neither https",
        ),
        (
            change(
                "jwks_file = \"jwks.json\"",
                "jwks_url = \"https://a:b@id.example/keys\"",
            ),
            "credential",
        ),
        (change("\"ES256\"", "\"HS256\""), "HS256"),
        (change("\"ES256\"", "\"none\""), "none"),
        (change("[\"EdDSA\", \"ES256\"]", "[]"), "algorithms"),
        (change("algorithms =", "suites = [4]\nalgorithms ="), "suites"),
        (
            change("algorithms =", "idle_lock_ms = 900001\nalgorithms ="),
            "idle_lock_ms",
        ),
        (change("algorithms =", "idle_lock_ms = 0\nalgorithms ="), "idle_lock_ms"),
        (
            change("algorithms =", "session_limit_ms = 43200001\nalgorithms ="),
            "session_limit_ms",
        ),
        (
            change("algorithms =", "body_retention_days = 0\nalgorithms ="),
            "body_retention_days",
        ),
        (
            change("algorithms =", "leaf_silence_days = 0\nalgorithms ="),
            "leaf_silence_days",
        ),
        (
            change("algorithms =", "mandatory_members = [\"a\", \"a\"]\nalgorithms ="),
            "mandatory_members",
        ),
        (change("algorithms =", "max_devices = 0\nalgorithms ="), "max_devices"),
        (
            change("algorithms =", "removed_content = \"sell\"\nalgorithms ="),
            "sell",
        ),
        (
            change("algorithms =", "device_approval = \"maybe\"\nalgorithms ="),
            "maybe",
        ),
        (
            change("algorithms =", "mandatory_members = [\"\"]\nalgorithms ="),
            "mandatory_members",
        ),
        (
            change("[tls]", "[push]\ngateway = \"http://push.example/\"\n\n[tls]"),
            "push.gateway",
        ),
        (
            change(
                "[tls]",
                "[push]\ngateway = \"https://push.example/\"\ntimeout_ms = 0\n\n[tls]",
            ),
            "push.timeout_ms",
        ),
        (change("heartbeat_ms = 500", "heartbeat_ms = 15001"), "heartbeat"),
        (change("heartbeat_ms = 500", "heartbeat_ms = 0"), "heartbeat"),
        (change("heartbeat_ms = 500", "connections = 0"), "connections"),
        (
            change("heartbeat_ms = 500", "requests_per_user_per_second = 0"),
            "requests_per_user",
        ),
        (
            change("heartbeat_ms = 500", "bytes_per_user_per_second = 0"),
            "requests_per_user",
        ),
        (
            change("heartbeat_ms = 500", "bytes_per_tenant_per_second = 0"),
            "requests_per_tenant",
        ),
        (
            change("heartbeat_ms = 500", "commits_per_checkpoint = 257"),
            "commits_per_checkpoint",
        ),
        (change("data_dir = \"data\"", ""), "data_dir"),
        (change("cert = \"cert.pem\"", ""), "tls.cert"),
        (load_text(GOOD, &[]).unwrap_err().to_string(), "database key"),
        (
            load_text(GOOD, &[("CURO_RELAY_DB_KEY", "abc")])
                .unwrap_err()
                .to_string(),
            "96 hexadecimal",
        ),
        (
            load_text(&format!("{GOOD}{tenant}"), &key).unwrap_err().to_string(),
            "twice",
        ),
    ];
    for (found, wanted) in cases {
        assert!(found.contains(wanted), "{found:?} does not name {wanted:?}");
    }
    let url = GOOD.replace("jwks_file = \"jwks.json\"", "jwks_url = \"http://[::1]:9/keys\"");
    assert!(load_text(&url, &key).is_ok(), "http is allowed on loopback");
}

#[test]
fn the_example_is_a_configuration() {
    let config = load_text(
        include_str!("../../../relay.example.toml"),
        &[("CURO_RELAY_DB_KEY", KEY)],
    )
    .unwrap();
    assert_eq!(config.tenants.len(), 2);
    assert_eq!(config.limits, Limits::default(), "the example shows the defaults");
}

#[cfg(unix)]
#[test]
fn a_push_token_is_read_from_a_file_of_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("push.token");
    let text = format!("[push]\ngateway = \"https://push.example/\"\ntoken_file = {path:?}\n\n[tls]");
    let text = GOOD.replacen("[tls]", &text, 1);
    let load = || load_text(&text, &[("CURO_RELAY_DB_KEY", KEY)]);
    assert!(load().unwrap_err().to_string().contains("push token file"));
    std::fs::write(&path, "a-token-of-some-length\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(load().unwrap_err().to_string().contains("push.token_file"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let config = load().unwrap();
    assert_eq!(
        config.push.as_ref().unwrap().token.as_ref().unwrap().expose(),
        "a-token-of-some-length"
    );
    assert!(!format!("{config:?}").contains("of-some-length"));
}

#[test]
fn metrics_are_off_until_told_and_never_served_to_the_internet() {
    let key = ("CURO_RELAY_DB_KEY", KEY);
    let of = |addr| load_service(GOOD, &[key, ("CURO_RELAY_METRICS_LISTEN", addr)]);
    assert_eq!(load_service(GOOD, &[key]).unwrap().metrics_listen, None);
    for good in ["127.0.0.1:9464", "[::1]:9464", "10.1.2.3:9464", "[fd00::1]:9464"] {
        assert_eq!(of(good).unwrap().metrics_listen, Some(good.parse().unwrap()));
    }
    for bad in [
        "0.0.0.0:9464",
        "[::]:9464",
        "192.0.2.1:9464",
        "[2001:db8::1]:9464",
        "[::ffff:192.0.2.1]:9464",
        "9464",
    ] {
        let error = of(bad).unwrap_err().to_string().to_lowercase();
        assert!(error.contains("metrics_listen"), "{bad}: {error}");
    }
    let file = format!("metrics_listen = \"127.0.0.1:1\"\n{GOOD}");
    assert_eq!(
        load_service(&file, &[key]).unwrap().metrics_listen,
        Some("127.0.0.1:1".parse().unwrap())
    );
}

#[cfg(unix)]
#[test]
fn a_key_file_must_not_be_accessible_to_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db.key");
    std::fs::write(&path, KEY).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(read_key(Some(&path)).unwrap_err().to_string().contains("0600"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(read_key(Some(&path)).is_ok());
}
