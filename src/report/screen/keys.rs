//! What keys mean: which pane is looked at, how far it is scrolled, whether the screen stands still.
use super::keeper::PANES;

/// A key that means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A letter, digit or sign.
    Char(char),
    /// Ctrl with this letter.
    Control(char),
    /// Escape.
    Escape,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Return.
    Enter,
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// To the top.
    Home,
    /// To the bottom.
    End,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    Nothing,
    /// To see what has changed.
    Redraw,
    /// The end, with the report.
    Quit,
    /// To be stopped, and the terminal given back meanwhile.
    Suspend,
}

/// How the user looks at the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The screen stands still; capture and analysis go on.
    pub paused: bool,
    /// The one pane that is shown, by its place in the view; all when none.
    pub pane: Option<usize>,
    /// Rows of that pane that are above the screen.
    pub scrolled: usize,
    /// The keys are explained.
    pub help: bool,
}

/// Rows that a page key moves by.
const PAGE: usize = 10;

impl Look {
    /// Does what a key means to the look, and answers what it asks for.
    pub fn key(&mut self, key: Key) -> Wish {
        let before = *self;
        match key {
            Key::Control('c' | 'd') | Key::Char('q' | 'Q') => return Wish::Quit,
            Key::Control('z') => return Wish::Suspend,
            Key::Control('l') => return Wish::Redraw,
            Key::Char('p' | 'P' | ' ') => self.paused = !self.paused,
            Key::Char('?' | 'h') => self.help = !self.help,
            Key::Escape if self.help => self.help = false,
            Key::Escape | Key::Char('0') => self.turn_to(None),
            Key::Char(digit @ '1'..='9') => {
                let place = digit.to_digit(10).map_or(0, |digit| digit as usize - 1);
                self.turn_to((place < PANES && self.pane != Some(place)).then_some(place));
            }
            Key::Enter => self.turn_to(if self.pane.is_some() { None } else { Some(0) }),
            Key::Tab => self.turn_to(match self.pane {
                None => Some(0),
                Some(place) => Some(place + 1).filter(|next| *next < PANES),
            }),
            Key::BackTab => self.turn_to(match self.pane {
                None => Some(PANES - 1),
                Some(place) => place.checked_sub(1),
            }),
            Key::Up | Key::Char('k') => self.scrolled = self.scrolled.saturating_sub(1),
            Key::Down | Key::Char('j') => self.scroll_down(1),
            Key::PageUp => self.scrolled = self.scrolled.saturating_sub(PAGE),
            Key::PageDown => self.scroll_down(PAGE),
            Key::Home => self.scrolled = 0,
            Key::End => self.scroll_down(usize::MAX / 2),
            Key::Char(_) | Key::Control(_) => {}
        }
        if *self == before { Wish::Nothing } else { Wish::Redraw }
    }

    /// Only one pane has more rows than are seen. How many there are is known when it is drawn.
    fn scroll_down(&mut self, rows: usize) {
        if self.pane.is_some() {
            self.scrolled = self.scrolled.saturating_add(rows);
        }
    }

    fn turn_to(&mut self, pane: Option<usize>) {
        self.pane = pane;
        self.scrolled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_turn_and_scroll() {
        let mut look = Look::default();
        assert_eq!(look.key(Key::Char('x')), Wish::Nothing);
        assert_eq!(look.key(Key::Down), Wish::Nothing, "nothing to scroll where all panes are shown");
        assert_eq!(look.key(Key::Char('2')), Wish::Redraw);
        assert_eq!(look.pane, Some(1));
        look.key(Key::PageDown);
        look.key(Key::Up);
        assert_eq!(look.scrolled, PAGE - 1);
        look.key(Key::Char('2'));
        assert_eq!((look.pane, look.scrolled), (None, 0), "the same digit turns back");
        for place in 0..PANES {
            look.key(Key::Tab);
            assert_eq!(look.pane, Some(place));
        }
        look.key(Key::Tab);
        assert_eq!(look.pane, None);
        look.key(Key::BackTab);
        assert_eq!(look.pane, Some(PANES - 1));
        look.key(Key::Escape);
        assert_eq!(look.pane, None);
        assert_eq!(look.key(Key::Char('9')), Wish::Nothing, "there are fewer panes");
    }

    #[test]
    fn keys_that_ask() {
        let mut look = Look::default();
        assert_eq!(look.key(Key::Control('c')), Wish::Quit);
        assert_eq!(look.key(Key::Char('q')), Wish::Quit);
        assert_eq!(look.key(Key::Control('z')), Wish::Suspend);
        assert_eq!(look.key(Key::Char(' ')), Wish::Redraw);
        assert!(look.paused);
        look.key(Key::Char('p'));
        look.key(Key::Char('?'));
        assert_eq!(look, Look { help: true, ..Look::default() });
    }
}
