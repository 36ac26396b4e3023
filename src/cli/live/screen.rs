//! The terminal under the screen of `live`: raw mode, the alternate screen, keys and sizes, and giving all of it back whatever
//! happens. What is drawn is [`crate::report::screen`]'s.
//!
//! A thread of its own reads keys and draws, so that neither waits for packets, and packets never wait for a slow terminal: it
//! is handed views, of which it takes the latest when it has written the one before.
use std::{
    io::{self, IsTerminal, Write},
    panic,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crossterm::{
    event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    terminal,
};
use signal_hook::{consts, flag, low_level};

use super::LiveArgs;
use crate::{
    capture::live::InterfaceChoice,
    cli::{analyze, args::Format, complain, exit::Failure, plan},
    record::Wanted,
    report::{
        Options, Output, Writer,
        screen::{Display, Frame, Key, Look, ScreenWriter, Source, View, Wish, draw},
        table::TableWriter,
    },
};

/// The alternate screen, no cursor, and lines that do not wrap should the terminal think a character wider than we do.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
/// All of that back, should it be there twice.
const LEAVE: &str = "\x1b[0m\x1b[?2026l\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Views after which all is drawn, should somebody else have written to the terminal.
const VIEWS_TO_DRAW_ANEW: u32 = 12;

/// How long keys are waited for before it is looked whether there is something new to draw.
const TICK: Duration = Duration::from_millis(40);

/// Whether there is a screen: somebody looks at a terminal, and types at one.
pub fn is_wanted(args: &LiveArgs, format: Format) -> bool {
    let to_output = args.written.is_standard_output();
    // With --all rows are printed as they come.
    let table = format == Format::Table && !args.output.all;
    let terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let capable = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    !args.no_screen && table && !to_output && terminal && capable
}

/// The writer that shows the screen of a run, and reports at the end. The terminal is taken when there is something to show.
pub fn writer(
    out: Output,
    args: &LiveArgs,
    interfaces: &[InterfaceChoice],
    wanted: Wanted,
    stop: &Arc<AtomicBool>,
) -> Result<Box<dyn Writer + Send>, Failure> {
    // What was captured is gone, unless it was written: no command of the hints would find it.
    let options = Options { program: None, ..analyze::options(&args.output, wanted) };
    let terminal = Terminal::new(Arc::clone(stop), options.color)
        .map_err(|error| Failure::Usage(format!("cannot use this terminal ({error}): give --no-screen")))?;
    let source = Source {
        interfaces: interfaces.iter().map(|choice| choice.name.clone()).collect(),
        filters: args.filters.clone(),
        display_filter: args.display_filter.clone(),
    };
    Ok(Box::new(ScreenWriter::new(TableWriter::new(out, options), Box::new(terminal), source, wanted)))
}

/// What the thread at the terminal and the others tell each other.
struct Shared {
    /// What is to be seen, until it is drawn.
    latest: Mutex<Option<View>>,
    /// The run is over.
    over: AtomicBool,
    /// The terminal is ours. Held while it is written to, so that nothing is drawn once it was given back.
    entered: Mutex<bool>,
}

impl Shared {
    fn enter(&self) -> io::Result<()> {
        let mut entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        terminal::enable_raw_mode()?;
        *entered = true;
        write(ENTER)
    }

    /// Writes to the terminal while it is ours.
    fn draw(&self, text: &str) -> io::Result<()> {
        let entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        if *entered { write(text) } else { Ok(()) }
    }

    /// Gives the terminal back, once.
    fn leave(&self) {
        let mut entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut *entered) {
            let _ = write(LEAVE);
            let _ = terminal::disable_raw_mode();
        }
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// A terminal that shows the screen, until it is dropped.
struct Terminal {
    shared: Arc<Shared>,
    /// Who draws, until there is something to draw.
    artist: Option<Artist>,
    thread: Option<JoinHandle<()>>,
}

impl Terminal {
    /// A terminal, not taken yet. `stop` is set when the user wants the end; when somebody else sets it, the terminal is given
    /// back, so that a second Ctrl-C is heard by everybody.
    fn new(stop: Arc<AtomicBool>, color: bool) -> io::Result<Self> {
        let (stopped, continued) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        flag::register(consts::SIGTSTP, Arc::clone(&stopped))?;
        flag::register(consts::SIGCONT, Arc::clone(&continued))?;
        let shared =
            Arc::new(Shared { latest: Mutex::new(None), over: AtomicBool::new(false), entered: Mutex::new(false) });
        let (hooked, before) = (Arc::clone(&shared), panic::take_hook());
        panic::set_hook(Box::new(move |info| {
            // What a panic says must not go with the alternate screen.
            hooked.over.store(true, Ordering::SeqCst);
            hooked.leave();
            before(info);
        }));
        let artist = Artist {
            shared: Arc::clone(&shared),
            stop,
            stopped,
            continued,
            color,
            look: Look::default(),
            view: None,
            shown: None,
            views: 0,
        };
        Ok(Self { shared, artist: Some(artist), thread: None })
    }

    /// Takes the terminal, and begins to draw on a thread of its own: not before the process is closed in, as that holds for
    /// the threads that begin later.
    fn begin(&mut self, artist: Artist) -> io::Result<()> {
        self.shared.enter().inspect_err(|_| self.shared.leave())?;
        let thread = thread::Builder::new().name("screen".to_owned()).spawn(move || artist.run());
        self.thread = Some(thread.inspect_err(|_| self.shared.leave())?);
        Ok(())
    }

    fn end(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // A panic there was told by the hook.
            let _ = thread.join();
        }
        self.shared.leave();
    }
}

impl Display for Terminal {
    fn show(&mut self, view: View) -> io::Result<()> {
        *self.shared.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(view);
        match self.artist.take() {
            Some(artist) => self.begin(artist),
            None => Ok(()),
        }
    }

    fn leave(&mut self) -> Option<usize> {
        self.end();
        // The window may have another size than when the run began.
        plan::width()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.end();
    }
}

/// Reads keys and draws.
struct Artist {
    shared: Arc<Shared>,
    stop: Arc<AtomicBool>,
    /// The terminal's user wants the program stopped (SIGTSTP).
    stopped: Arc<AtomicBool>,
    /// It was stopped by somebody, and goes on (SIGCONT).
    continued: Arc<AtomicBool>,
    color: bool,
    look: Look,
    /// What is to be seen.
    view: Option<View>,
    /// What the terminal shows, where that is known.
    shown: Option<Frame>,
    /// Views seen.
    views: u32,
}

impl Artist {
    fn run(mut self) {
        let result = self.work();
        self.shared.leave();
        if let Err(error) = result {
            // Nobody can see or stop it any more.
            self.stop.store(true, Ordering::SeqCst);
            complain(&format!("the terminal cannot be used any more ({error}); ending"));
        }
    }

    fn work(&mut self) -> io::Result<()> {
        self.draw()?;
        while !self.shared.over.load(Ordering::SeqCst) && !self.stop.load(Ordering::SeqCst) {
            let mut changed = self.keys()?;
            if self.stopped.swap(false, Ordering::SeqCst) {
                self.suspend()?;
                changed = true;
            } else if self.continued.swap(false, Ordering::SeqCst) {
                // Stopped without a chance to give the terminal back: whoever had it meanwhile may have changed its modes.
                terminal::disable_raw_mode()?;
                self.shared.enter()?;
                self.shown = None;
                changed = true;
            }
            if !self.look.paused
                && let Some(view) = self.shared.latest.lock().unwrap_or_else(PoisonError::into_inner).take()
            {
                self.view = Some(view);
                self.views = self.views.wrapping_add(1);
                changed = true;
            }
            if changed && !self.stop.load(Ordering::SeqCst) {
                self.draw()?;
            }
        }
        Ok(())
    }

    /// Reads what was typed, and waits a little for it; whether there is something to draw.
    fn keys(&mut self) -> io::Result<bool> {
        let mut changed = false;
        let mut wait = TICK;
        loop {
            match event::poll(wait) {
                Ok(true) => {}
                Ok(false) => return Ok(changed),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(changed),
                Err(error) => return Err(error),
            }
            wait = Duration::ZERO;
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => {
                    let Some(key) = named(key) else { continue };
                    match self.look.key(key) {
                        Wish::Nothing => {}
                        Wish::Redraw => {
                            changed = true;
                            if key == Key::Control('l') {
                                self.shown = None;
                            }
                        }
                        Wish::Quit => {
                            self.stop.store(true, Ordering::SeqCst);
                            return Ok(false);
                        }
                        Wish::Suspend => self.stopped.store(true, Ordering::SeqCst),
                    }
                }
                Event::Resize(..) => {
                    self.shown = None;
                    changed = true;
                }
                _ => {}
            }
        }
    }

    /// Gives the terminal back and stops, until somebody lets the program go on.
    fn suspend(&mut self) -> io::Result<()> {
        self.shared.leave();
        low_level::emulate_default_handler(consts::SIGTSTP)?;
        self.continued.store(false, Ordering::SeqCst);
        self.shown = None;
        self.shared.enter()
    }

    fn draw(&mut self) -> io::Result<()> {
        let (columns, lines) = terminal::size()?;
        // A terminal that does not know its size.
        let size = if columns == 0 || lines == 0 { (80, 24) } else { (usize::from(columns), usize::from(lines)) };
        let empty = View::default();
        let page = draw(self.view.as_ref().unwrap_or(&empty), &mut self.look, size);
        let frame = Frame::new(&page, size.0, self.color);
        let changes = match &self.shown {
            Some(shown) if self.views % VIEWS_TO_DRAW_ANEW == 0 && shown.is_as_large_as(&frame) => frame.anew(),
            shown => frame.changes(shown.as_ref()),
        };
        if !changes.is_empty() {
            self.shared.draw(&changes)?;
        }
        self.shown = Some(frame);
        Ok(())
    }
}

/// The key as the screen knows it.
fn named(key: KeyEvent) -> Option<Key> {
    Some(match key.code {
        KeyCode::Char(letter) if key.modifiers.contains(KeyModifiers::CONTROL) => {
            Key::Control(letter.to_ascii_lowercase())
        }
        KeyCode::Char(letter) => Key::Char(letter),
        KeyCode::Esc => Key::Escape,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Enter => Key::Enter,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    })
}
