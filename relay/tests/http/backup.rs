//! Backup of a relay that serves, and what clients of a restored one see (7.2).

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use curo_relay::{Config, Relay, StartError, backup, restore};
use curo_types::api::SessionAnswer;
use curo_types::{ErrorCode, IntentId};
use reqwest::Method;

use crate::binary::{program, write_config};
use crate::device::pair;
use crate::world::{World, problem};

fn restored(world: &World, from: &Path) -> Config {
    let mut config = world.config.clone();
    config.data_dir = world.dir.path().join("restored");
    restore(&config, from).unwrap();
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p7_2_a_restored_relay_serves_what_was_backed_up_and_says_that_it_is_another_store() {
    let mut world = World::start().await;
    let (mut anna, mut ben, talk, cursor) = pair(&world).await;
    let before = anna.encrypt(talk, IntentId::random(), 1, "before");
    anna.send(&world, talk, vec![before]).await.unwrap();
    let target = world.dir.path().join("backup");
    {
        // The relay goes on accepting while the backup is made.
        let config = world.config.clone();
        let target = target.clone();
        let job = tokio::task::spawn_blocking(move || backup(&config, &target));
        for counter in 2..12 {
            let message = anna.encrypt(talk, IntentId::random(), counter, "meanwhile");
            anna.send(&world, talk, vec![message]).await.unwrap();
        }
        job.await.unwrap().unwrap();
    }
    let after = anna.encrypt(talk, IntentId::random(), 12, "after");
    anna.send(&world, talk, vec![after]).await.unwrap();
    let news = ben.sync(&world, None, 1).await.unwrap();
    let last = news.conversations[0].entries.last().unwrap().clone();
    let (token, tip) = (news.token, news.conversations[0].tip.clone());
    world.relay.take().unwrap().shutdown().await;

    world.config = restored(&world, &target);
    world.restart_stopped().await;
    let session: SessionAnswer = world.post(&anna.token, "/v1/session", &()).await.unwrap();
    assert_eq!(
        (session.user, session.directory_key),
        (anna.user(), anna.session.directory_key)
    );
    assert_ne!(session.store, anna.session.store);

    // A client that was there before notices, by whatever it asks.
    let changed = ben.sync(&world, Some(&token), 1).await.unwrap_err();
    assert_eq!(changed.code, ErrorCode::STORE_CHANGED);
    let path = format!("/v1/stream?token={token}");
    let stream = ben.request(&world, Method::GET, &path).send().await.unwrap();
    assert_eq!(problem(stream).await.code, ErrorCode::STORE_CHANGED);
    // One that asks anew gets the log up to the backup, intact, and tips of the new store.
    let news = ben.sync(&world, None, 1).await.unwrap();
    assert_eq!(news.store, session.store);
    let conversation = &news.conversations[0];
    assert_eq!(conversation.tip.store, session.store);
    assert!(conversation.tip.seq < tip.seq);
    conversation.tip.verify(&session.log_key.log_key).unwrap();
    let first = conversation.entries.first().unwrap();
    assert_eq!(
        (first.seq, ben.read(talk, &first.body.0)),
        (cursor.seq + 1, "before".into())
    );
    let mut h = cursor.h;
    for entry in &conversation.entries {
        assert_eq!(entry.h, entry.expected_hash(&ben.tenant, talk.id, h));
        h = entry.h;
    }
    // What was accepted after the backup is gone, and a cursor on it is a sign of that.
    let ahead = curo_types::format::CursorClaim {
        seq: last.seq,
        h: last.h,
    };
    let message = ben.encrypt_at(talk, IntentId::random(), 1, Some(ahead), "hello");
    let refused = ben.send(&world, talk, vec![message]).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::STORE_CHANGED);
}

#[tokio::test]
async fn a_relay_does_not_start_on_half_a_restore() {
    let mut world = World::start().await;
    world.relay.take().unwrap().shutdown().await;
    let mut config = world.config.clone();
    config.data_dir = world.dir.path().join("half");
    std::fs::create_dir_all(config.data_dir.join("restoring")).unwrap();
    let error = Relay::start(config.clone()).await.unwrap_err();
    assert!(matches!(error, StartError::UnfinishedRestore { .. }), "{error:?}");
    assert!(!config.data_dir.join("relay.db").exists());
}

/// The program's backup and restore over the folder that a running program serves from.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_backs_up_a_running_one_and_survives_kills() {
    let world = World::start().await;
    let path = write_config(&world);
    let target = world.dir.path().join("backup");
    let run = |command: &str, option: &str, folder: &Path| {
        let mut program = program(&world, command, &path);
        program.arg(option).arg(folder);
        program
    };
    // Its own folder, so that the running one is another process.
    let mut serving = program(&world, "serve", &path).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(serving.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("listening") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "ended");
    }
    // Killed wherever it happens to be: the target is absent or whole.
    for n in 0..20 {
        let mut child = run("backup", "--to", &target).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(n)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        if target.exists() {
            assert!(target.join("relay.db").exists());
            std::fs::remove_dir_all(&target).unwrap();
        }
    }
    let done = run("backup", "--to", &target).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let again = run("backup", "--to", &target).output().unwrap();
    assert!(!again.status.success());
    assert!(String::from_utf8(again.stderr).unwrap().contains("exists already"));
    let refused = run("restore", "--from", &target).output().unwrap();
    assert!(!refused.status.success(), "the running one's folder is not empty");
    assert!(String::from_utf8(refused.stderr).unwrap().contains("not empty"));
    serving.kill().unwrap();
    serving.wait().unwrap();

    let data = world.dir.path().join("elsewhere");
    let restore = || {
        let mut program = run("restore", "--from", &target);
        program.env("CURO_RELAY_DATA_DIR", &data);
        program
    };
    for n in 0..20 {
        let mut child = restore().stdout(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(n)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        if data.join("relay.db").exists() {
            std::fs::remove_dir_all(&data).unwrap();
        }
    }
    let done = restore().output().unwrap();
    assert!(done.status.success(), "{done:?}");
    assert!(String::from_utf8(done.stdout).unwrap().contains("restored as store"));
}
