//! Gathers the parts of nested values while they are parsed, without a buffer for each.
//!
//! How many parts a value keeps is known only at its end. All values under way share one stack a thread; each owns what lies
//! above its start, and becomes an allocation of just its size.

use std::cell::RefCell;
use std::thread::LocalKey;

use crate::value::{Entry, Value};

type Stack<T> = &'static LocalKey<RefCell<Vec<T>>>;

thread_local! {
    static ENTRIES: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
    static ITEMS: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

/// The parts of one value so far.
pub(crate) struct Gathered<T: 'static> {
    stack: Stack<T>,
    start: usize,
}

/// The entries of a map, none yet.
pub(crate) fn entries() -> Gathered<Entry> {
    Gathered::on(&ENTRIES)
}

/// The items of a list, none yet.
pub(crate) fn items() -> Gathered<Value> {
    Gathered::on(&ITEMS)
}

impl<T> Gathered<T> {
    fn on(stack: Stack<T>) -> Self {
        Self { stack, start: stack.with_borrow(Vec::len) }
    }

    /// Adds a part. Parts are added while no part of theirs is under way.
    pub(crate) fn push(&mut self, part: T) {
        self.stack.with_borrow_mut(|stack| stack.push(part));
    }

    /// Whether a part is as told.
    pub(crate) fn any(&self, is: impl FnMut(&T) -> bool) -> bool {
        self.stack.with_borrow(|stack| stack[self.start..].iter().any(is))
    }

    /// All parts, in a vector without room to spare.
    pub(crate) fn finish(self) -> Vec<T> {
        self.stack.with_borrow_mut(|stack| stack.drain(self.start..).collect())
    }
}

// A value that could not be read to its end leaves nothing behind.
impl<T> Drop for Gathered<T> {
    fn drop(&mut self) {
        self.stack.with_borrow_mut(|stack| stack.truncate(self.start));
    }
}
