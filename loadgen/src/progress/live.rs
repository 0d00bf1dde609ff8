//! The terminal of the dashboard: taken, read for keys, and given back at the end, on a panic of any thread, and on the
//! signals that end a run (they are counted and end it in its order). Raw mode takes Ctrl-C from the system, so it is read
//! here and counted with them.

use std::io::{self, Stderr, Write};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::{cursor, execute, terminal};

use super::plain::{Plain, write_line};
use super::{Moment, View, draw};

/// How often the screen is drawn.
const PAUSE: Duration = Duration::from_millis(200);

/// The smallest screen on which everything has its place: columns and rows.
pub(super) const SCREEN_MIN: (u16, u16) = (80, 24);

/// Whether the terminal is ours now. Static, as a panic hook has no other way to know.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The hook is set once for the whole process.
static HOOK: Once = Once::new();

/// The dashboard.
pub(super) struct Live {
    terminal: Terminal<CrosstermBackend<Stderr>>,
    interrupts: Arc<AtomicU32>,
    said: Vec<String>,
    shown: Option<Instant>,
    /// Goes on when a panic gave the terminal back.
    plain: Plain,
}

impl Live {
    /// Takes the terminal; `None` when it is too small.
    ///
    /// # Errors
    /// When it cannot be taken; it is as it was then.
    pub(super) fn start(interrupts: Arc<AtomicU32>) -> io::Result<Option<Self>> {
        let (columns, rows) = terminal::size()?;
        if columns < SCREEN_MIN.0 || rows < SCREEN_MIN.1 {
            return Ok(None);
        }
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                before(panic);
            }));
        });
        TAKEN.store(true, Ordering::SeqCst);
        take().inspect_err(|_| give_back())?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stderr())).inspect_err(|_| give_back())?;
        Ok(Some(Self { terminal, interrupts, said: Vec::new(), shown: None, plain: Plain::default() }))
    }

    /// Keys that were pressed since the last look.
    fn read_keys(&self) {
        while event::poll(Duration::ZERO).unwrap_or(false) {
            match event::read() {
                Ok(Event::Key(key)) if asks_for_the_end(key) => {
                    self.interrupts.fetch_add(1, Ordering::Relaxed);
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }
}

fn take() -> io::Result<()> {
    terminal::enable_raw_mode()?;
    execute!(io::stderr(), terminal::EnterAlternateScreen, cursor::Hide)
}

/// Gives the terminal back, once. What fails here has no other way either.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stderr(), terminal::LeaveAlternateScreen, cursor::Show);
        let _ = terminal::disable_raw_mode();
        let _ = io::stderr().flush();
    }
}

/// `q`, and Ctrl-C as everywhere.
fn asks_for_the_end(key: KeyEvent) -> bool {
    let pressed = key.kind == KeyEventKind::Press;
    let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
    pressed && (key.code == KeyCode::Char('q') || (with_control && key.code == KeyCode::Char('c')))
}

impl View for Live {
    fn say(&mut self, words: &str) {
        match TAKEN.load(Ordering::SeqCst) {
            true => self.said.push(words.to_owned()),
            false => self.plain.say(words),
        }
    }

    fn show(&mut self, moment: &Moment<'_>) {
        if !TAKEN.load(Ordering::SeqCst) {
            return self.plain.show(moment);
        }
        self.read_keys();
        if self.shown.is_some_and(|shown| shown.elapsed() < PAUSE) {
            return;
        }
        self.shown = Some(Instant::now());
        let (said, ending) = (&self.said, self.interrupts.load(Ordering::Relaxed) > 0);
        // A terminal that cannot be written to shows nothing; the run goes on.
        let _ = self.terminal.draw(|frame| draw::dashboard(frame, moment, said, ending));
    }
}

impl Drop for Live {
    /// What was said stays to be read above the summary.
    fn drop(&mut self) {
        if TAKEN.load(Ordering::SeqCst) {
            give_back();
            self.said.iter().for_each(|words| write_line(words));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_and_control_c_end_a_run_and_nothing_else_does() {
        let key = |code, modifiers| asks_for_the_end(KeyEvent::new(code, modifiers));
        assert!(key(KeyCode::Char('q'), KeyModifiers::NONE) && key(KeyCode::Char('c'), KeyModifiers::CONTROL));
        assert!(!key(KeyCode::Char('c'), KeyModifiers::NONE) && !key(KeyCode::Esc, KeyModifiers::NONE));
        let released = KeyEvent { kind: KeyEventKind::Release, ..KeyEvent::from(KeyCode::Char('q')) };
        assert!(!asks_for_the_end(released));
    }
}
