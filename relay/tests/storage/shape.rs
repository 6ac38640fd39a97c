//! What the trait itself must look like, read from its source.

use std::fs;
use std::path::Path;

const SQLITE: &str = "sqlite.rs";

#[test]
fn p9_1_nothing_of_a_database_or_of_mls_crosses_the_trait() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = vec![src.join("storage.rs")];
    for entry in fs::read_dir(src.join("storage")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.file_name().unwrap() != SQLITE {
            sources.push(path);
        }
    }
    assert!(sources.len() > 5, "{sources:?}");
    for path in sources {
        let text = fs::read_to_string(&path).unwrap();
        for library in ["rusqlite", "curo_sqlite", "openmls", "curo_mls", "tokio_postgres"] {
            assert!(!text.contains(library), "{} knows {library}", path.display());
        }
    }
}

#[test]
fn p9_1_the_tenant_comes_first_and_time_is_an_argument() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage.rs")).unwrap();
    let (_, methods) = text.split_once("pub trait Storage").unwrap();
    let mut seen = 0;
    for method in methods.split("async fn ").skip(1) {
        let signature: String = method.split("->").next().unwrap().split_whitespace().collect();
        let (name, arguments) = signature.split_once('(').unwrap();
        // These two are about the store as a whole; so is every call that sweeps it.
        if ["probe", "close"].contains(&name) || name.starts_with("sweep") {
            continue;
        }
        seen += 1;
        assert!(arguments.starts_with("&self,tenant:&TenantId"), "{name}: {arguments}");
    }
    assert!(seen > 15, "{seen}");
    let all = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage.rs")).unwrap();
    assert!(
        !all.contains("SystemTime") && !all.contains("Instant"),
        "the clock is the caller's"
    );
}
