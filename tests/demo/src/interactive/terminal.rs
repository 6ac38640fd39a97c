//! The terminal: keys in, frames out. Knows what keys mean and nothing of what they do.

use std::io;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;

use super::app::App;
use super::view;

/// What a person types is not longer than a message may be; a pasted book is cut here.
const INPUT: usize = 64 * 1024;

/// Shows the app until the person leaves.
pub(crate) async fn run(terminal: &mut DefaultTerminal, app: &mut App<'_>) -> io::Result<()> {
    let (sender, mut keys) = mpsc::channel(64);
    // Reading blocks; the thread ends with the program, or at the first key after nobody listens.
    std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
        while let Ok(event) = event::read() {
            if sender.blocking_send(event).is_err() {
                break;
            }
        }
    })?;
    let mut revision = 0;
    let mut connection = app.client().connection();
    app.refresh().await;
    loop {
        terminal.draw(|frame| view::draw(frame, app.screen()))?;
        let client = app.client().clone();
        tokio::select! {
            event = keys.recv() => match event {
                Some(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                    if !press(app, key).await {
                        return Ok(());
                    }
                }
                Some(Event::Paste(text)) => text.chars().for_each(|c| write(app, c)),
                Some(_) => {}
                None => return Ok(()),
            },
            newer = client.next_revision(revision) => {
                revision = newer;
                app.refresh().await;
            }
            other = client.next_connection(&connection) => {
                connection = other;
                app.refresh().await;
            }
        }
    }
}

fn write(app: &mut App<'_>, c: char) {
    let input = app.input();
    if !c.is_control() && input.len() < INPUT {
        input.push(c);
    }
}

/// False: the person leaves.
async fn press(app: &mut App<'_>, key: KeyEvent) -> bool {
    if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
        return false;
    }
    if app.close_sheet() {
        return true;
    }
    match key.code {
        KeyCode::Enter => return app.enter().await,
        KeyCode::Char(c) => write(app, c),
        KeyCode::Backspace => {
            app.input().pop();
        }
        KeyCode::Esc => app.input().clear(),
        KeyCode::Tab | KeyCode::Down => app.go(1).await,
        KeyCode::BackTab | KeyCode::Up => app.go(-1).await,
        KeyCode::PageUp => app.scroll(true).await,
        KeyCode::PageDown | KeyCode::End => app.scroll(false).await,
        _ => {}
    }
    true
}
