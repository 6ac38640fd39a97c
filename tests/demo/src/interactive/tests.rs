#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
//! Two people in a room, without their terminals: what they type and what their screens show.

use std::time::Duration;

use super::app::App;
use super::door::Room;
use super::view::Screen;

async fn type_in(app: &mut App<'_>, line: &str) {
    *app.input() = line.to_owned();
    assert!(app.enter().await, "{line}");
}

/// Refreshes until the screen is as wanted; far longer than it takes.
async fn until(app: &mut App<'_>, what: &str, wanted: impl Fn(&Screen) -> bool) {
    let looking = async {
        loop {
            let seen = app.client().revision();
            app.refresh().await;
            if wanted(app.screen()) {
                return;
            }
            let client = app.client().clone();
            let _ = tokio::time::timeout(Duration::from_millis(200), client.next_revision(seen)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(60), looking).await;
    assert!(found.is_ok(), "{what}: {:#?}", app.screen());
}

fn shows(screen: &Screen, text: &str) -> bool {
    screen.items.iter().any(|item| item.text == text)
}

fn marks(screen: &Screen, text: &str) -> String {
    let item = screen.items.iter().find(|item| item.text == text);
    item.map_or(String::new(), |item| item.marks.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_talk_in_a_room() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (
        Room::enter(folder.path()).await.unwrap(),
        Room::enter(folder.path()).await.unwrap(),
    );
    let mut ana = App::new(&here, here.person("ana").await.unwrap(), "ana");
    let mut ben = App::new(&there, there.person("ben").await.unwrap(), "ben");
    ana.refresh().await;

    // Nothing to talk in, nobody of that name, no such command: a hint each.
    for line in ["hello", "/new nobody", "/frob", "/edit x", "/ack"] {
        type_in(&mut ana, line).await;
        assert!(!ana.screen().hint.is_empty(), "{line}");
    }
    type_in(&mut ana, "/new ben: Bed 12").await;
    assert_eq!(ana.screen().hint, "");
    type_in(&mut ana, "BP 118/76").await;
    until(&mut ben, "ben has the title and reads", |screen| {
        screen.title.starts_with("Bed 12") && shows(screen, "BP 118/76")
    })
    .await;
    until(&mut ana, "delivered or read", |screen| {
        let marks = marks(screen, "BP 118/76");
        marks.contains("1/1")
    })
    .await;

    type_in(&mut ana, "/edit BP 120/80").await;
    until(&mut ben, "the edit", |screen| {
        marks(screen, "BP 120/80").contains("edited")
    })
    .await;
    type_in(&mut ana, "/urgent K+ 6.8, please come").await;
    until(&mut ben, "the urgent message", |screen| {
        screen.items.iter().any(|item| item.urgent && !item.own)
    })
    .await;
    type_in(&mut ben, "/ack").await;
    until(&mut ana, "the acknowledgement", |screen| {
        marks(screen, "K+ 6.8, please come").contains("acknowledged by ben")
    })
    .await;

    type_in(&mut ben, "/search potass").await;
    assert_eq!(ben.screen().sheet, ["found: 0"]);
    assert!(ben.close_sheet() && !ben.close_sheet());
    type_in(&mut ben, "/search come").await;
    assert_eq!(ben.screen().sheet, ["found: 1", "ana: K+ 6.8, please come"]);
    assert!(ben.close_sheet());

    type_in(&mut ana, "/delete 2").await;
    until(&mut ben, "the deletion", |screen| shows(screen, "(deleted)")).await;

    type_in(&mut ben, "/lock").await;
    let screen = ben.screen();
    assert!(
        screen.locked && screen.items.is_empty() && screen.rooms.is_empty(),
        "{screen:#?}"
    );
    type_in(&mut ben, "still there?").await;
    assert!(!ben.screen().hint.is_empty());
    type_in(&mut ben, "/unlock").await;
    until(&mut ben, "everything is back", |screen| {
        shows(screen, "K+ 6.8, please come")
    })
    .await;

    *ana.input() = "/quit".to_owned();
    assert!(!ana.enter().await);
    for app in [ana, ben] {
        app.client().close().await.unwrap();
    }
    there.leave().await;
    here.leave().await;
}
