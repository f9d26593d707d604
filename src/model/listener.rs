// SPDX-License-Identifier: GPL-3.0-or-later
//! Who is told of what becomes of the session.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// Who is told of one thing, once.
pub struct Once<F: ?Sized>(pub Box<F>);

impl<F: ?Sized> fmt::Debug for Once<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}

/// Who is told of something.
pub struct Listener<F: ?Sized>(RefCell<Option<Rc<F>>>);

impl<F: ?Sized> Default for Listener<F> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<F: ?Sized> Listener<F> {
    pub fn set(&self, told: Rc<F>) {
        self.0.replace(Some(told));
    }

    /// A copy, as what is called may set another one.
    pub fn get(&self) -> Option<Rc<F>> {
        self.0.borrow().clone()
    }
}

impl<F: ?Sized> fmt::Debug for Listener<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.0.borrow().is_some()).finish()
    }
}
