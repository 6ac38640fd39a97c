//! What the terminal shows, drawn from one plain value. Knows no client.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear, List, ListItem, ListState, Paragraph, Wrap};

/// Columns of the list of conversations.
const LIST: u16 = 30;

/// All that is on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Screen {
    /// Whose terminal this is, and whether it runs the relay.
    pub(crate) me: String,
    pub(crate) host: bool,
    /// The connection in a word.
    pub(crate) connection: String,
    pub(crate) locked: bool,
    pub(crate) waiting: u64,
    pub(crate) failed: u64,
    pub(crate) unread: u64,
    pub(crate) rooms: Vec<RoomLine>,
    pub(crate) selected: Option<usize>,
    /// Title and members of the selected conversation.
    pub(crate) title: String,
    pub(crate) items: Vec<ItemLine>,
    /// There are older items than the first.
    pub(crate) older: bool,
    /// Arrived below the window.
    pub(crate) new_below: u64,
    /// What became of the last command.
    pub(crate) hint: String,
    /// Shown over everything until a key is pressed.
    pub(crate) sheet: Vec<String>,
    pub(crate) input: String,
}

/// A conversation in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RoomLine {
    pub(crate) title: String,
    pub(crate) preview: String,
    pub(crate) unread: u64,
    pub(crate) muted: bool,
}

/// An item of the timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ItemLine {
    pub(crate) who: String,
    pub(crate) text: String,
    /// Delivery, `edited`, acknowledgements.
    pub(crate) marks: String,
    pub(crate) own: bool,
    pub(crate) urgent: bool,
    /// Not a message of somebody.
    pub(crate) event: bool,
}

pub(crate) fn draw(frame: &mut Frame<'_>, screen: &Screen) {
    let [top, middle, input, status] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(3),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let [list, timeline] = Layout::horizontal([Constraint::Length(LIST), Constraint::Min(20)]).areas(middle);
    bar(frame, top, screen);
    rooms(frame, list, screen);
    items(frame, timeline, screen);
    let prompt = Block::bordered().title(if screen.locked {
        " locked: /unlock "
    } else {
        " message, or /help "
    });
    let inner = prompt.inner(input);
    let (shown, column) = tail(&screen.input, inner.width.saturating_sub(1));
    frame.render_widget(Paragraph::new(shown).block(prompt), input);
    frame.set_cursor_position(Position::new(inner.x + column, inner.y));
    frame.render_widget(Paragraph::new(plain(&screen.hint)).fg(Color::Yellow), status);
    if !screen.sheet.is_empty() {
        sheet(frame, &screen.sheet);
    }
}

fn bar(frame: &mut Frame<'_>, area: Rect, screen: &Screen) {
    let mut parts = vec![format!(" {}", plain(&screen.me))];
    if screen.host {
        parts.push("runs the relay".to_owned());
    }
    parts.push(screen.connection.clone());
    if screen.unread > 0 {
        parts.push(format!("{} unread", screen.unread));
    }
    if screen.waiting > 0 {
        parts.push(format!("{} to send", screen.waiting));
    }
    if screen.failed > 0 {
        parts.push(format!("{} failed", screen.failed));
    }
    let style = Style::new().add_modifier(Modifier::REVERSED);
    frame.render_widget(Paragraph::new(parts.join(" · ")).style(style), area);
}

fn rooms(frame: &mut Frame<'_>, area: Rect, screen: &Screen) {
    let lines = screen.rooms.iter().map(|room| {
        let mut head = vec![Span::raw(plain(&room.title)).bold()];
        if room.unread > 0 {
            let colour = if room.muted { Color::DarkGray } else { Color::Cyan };
            head.push(Span::raw(format!(" ({})", room.unread)).fg(colour));
        }
        let preview = Line::raw(plain(&room.preview)).fg(Color::DarkGray);
        ListItem::new(vec![Line::from(head), preview])
    });
    let list = List::new(lines)
        .block(Block::new().borders(Borders::RIGHT))
        .highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let mut state = ListState::default().with_selected(screen.selected);
    frame.render_stateful_widget(list, area, &mut state);
}

fn items(frame: &mut Frame<'_>, area: Rect, screen: &Screen) {
    let mut block = Block::new()
        .borders(Borders::TOP)
        .title(format!(" {} ", plain(&screen.title)));
    if screen.new_below > 0 {
        block = block.title_bottom(format!(" {} new below: End ", screen.new_below));
    }
    let inner = block.inner(area);
    let mut lines = Vec::new();
    if screen.older {
        lines.push(Line::raw("… older: PgUp").fg(Color::DarkGray));
    }
    lines.extend(screen.items.iter().map(item));
    let text = Paragraph::new(lines).wrap(Wrap { trim: false });
    // The newest stands at the bottom, whatever the wrapping of those above it.
    let height = text.line_count(inner.width);
    let hidden = u16::try_from(height.saturating_sub(usize::from(inner.height))).unwrap_or(u16::MAX);
    frame.render_widget(block, area);
    frame.render_widget(text.scroll((hidden, 0)), inner);
}

fn item(item: &ItemLine) -> Line<'_> {
    if item.event {
        return Line::raw(format!("  {}", plain(&item.text))).fg(Color::DarkGray);
    }
    let colour = if item.own { Color::Green } else { Color::Cyan };
    let mut spans = vec![Span::raw(format!("{}: ", plain(&item.who))).fg(colour)];
    let text = Span::raw(plain(&item.text));
    spans.push(if item.urgent { text.fg(Color::Red).bold() } else { text });
    if !item.marks.is_empty() {
        spans.push(Span::raw(format!("  {}", plain(&item.marks))).fg(Color::DarkGray));
    }
    Line::from(spans)
}

fn sheet(frame: &mut Frame<'_>, lines: &[String]) {
    let whole = frame.area();
    let area = Rect {
        x: whole.width / 10,
        y: whole.height / 10,
        width: whole.width.saturating_sub(whole.width / 5),
        height: whole.height.saturating_sub(whole.height / 5),
    };
    let text: Vec<_> = lines.iter().map(|line| Line::raw(plain(line))).collect();
    let block = Block::bordered().title(" any key closes this ");
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: false }).block(block), area);
}

/// The end of a line that fits into so many columns, and where the cursor stands behind it.
fn tail(input: &str, columns: u16) -> (String, u16) {
    let mut shown = String::new();
    let mut width = 0;
    for c in plain(input).chars().rev() {
        let wide = Span::raw(c.to_string()).width();
        if width + wide > usize::from(columns) {
            break;
        }
        width += wide;
        shown.insert(0, c);
    }
    (shown, u16::try_from(width).unwrap_or(columns))
}

/// Text of others without what a terminal would obey.
fn plain(text: &str) -> String {
    let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.replace(['\n', '\t'], " ").chars().map(visible).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn drawn(screen: &Screen) -> String {
        let mut terminal = Terminal::new(TestBackend::new(80, 20)).unwrap();
        terminal.draw(|frame| draw(frame, screen)).unwrap();
        terminal.backend().to_string()
    }

    fn screen() -> Screen {
        let line = |n: usize| ItemLine {
            who: "ben".into(),
            text: format!("message {n}"),
            ..ItemLine::default()
        };
        Screen {
            me: "ana".into(),
            host: true,
            connection: "live".into(),
            unread: 3,
            waiting: 1,
            rooms: vec![RoomLine {
                title: "Bed 12".into(),
                preview: "BP 118/76".into(),
                unread: 3,
                muted: false,
            }],
            selected: Some(0),
            title: "Bed 12: ana, ben".into(),
            items: (0..40).map(line).collect(),
            older: true,
            new_below: 2,
            input: "/search fe".into(),
            ..Screen::default()
        }
    }

    #[test]
    fn everything_that_counts_is_on_the_screen() {
        let text = drawn(&screen());
        for part in [
            "ana",
            "runs the relay",
            "live",
            "3 unread",
            "1 to send",
            "Bed 12 (3)",
            "BP 118/76",
            "message 39",
            "2 new below",
            "/search fe",
        ] {
            assert!(text.contains(part), "{part} is missing:\n{text}");
        }
        assert!(!text.contains("message 0 "), "the newest stand at the bottom:\n{text}");
    }

    #[test]
    fn a_locked_screen_says_so_and_a_sheet_covers_it() {
        let mut screen = screen();
        screen.locked = true;
        assert!(drawn(&screen).contains("locked: /unlock"));
        screen.sheet = vec!["all commands".into()];
        let text = drawn(&screen);
        assert!(
            text.contains("all commands") && !text.contains("locked: /unlock"),
            "{text}"
        );
    }

    #[test]
    fn nothing_that_others_write_reaches_the_terminal_as_an_order() {
        let mut screen = screen();
        screen.items = vec![ItemLine {
            who: "\u{1b}[2J".into(),
            text: "a\u{7}b\u{9b}31m\nc".into(),
            ..ItemLine::default()
        }];
        assert!(!drawn(&screen).contains(['\u{1b}', '\u{7}', '\u{9b}']));
        assert_eq!(plain("a\nb\u{1b}"), "a b\u{fffd}");
    }

    #[test]
    fn a_long_input_shows_its_end_and_narrow_screens_do_not_matter() {
        assert_eq!(tail("abcdef", 3), ("def".into(), 3));
        assert_eq!(tail("日本", 3), ("本".into(), 2));
        let mut terminal = Terminal::new(TestBackend::new(5, 3)).unwrap();
        terminal.draw(|frame| draw(frame, &screen())).unwrap();
    }
}
