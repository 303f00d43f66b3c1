//! [`Memory`]: books that live as long as somebody has them. For simulations, and to hold other books against.
//!
//! A batch is folded on top of what is there, as recovery folds the journal's end on top of the books; only when all
//! of it fits does it become part of them. Nothing is ever written to a disk, so everything posted is durable as long
//! as the process lives.

mod reader;
mod state;
mod writer;

use std::sync::Arc;

use parking_lot::Mutex;

use crate::OpenError;
use crate::books::{Books, Reader, Writer};
use state::State;

/// Books in memory. A clone is another handle to the same books.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    state: Arc<Mutex<Arc<State>>>,
}

impl Memory {
    /// Empty books.
    pub fn new() -> Self {
        Self::default()
    }

    /// Books of their own that say the same. The past is shared until one of the two is written to.
    pub fn copy(&self) -> Self {
        Self { state: Arc::new(Mutex::new(Arc::clone(&self.state.lock()))) }
    }

    /// A copy as [`crate::restore`] leaves a backup of these books: without a journal, and incomplete until somebody
    /// accepts that.
    pub fn restored(&self) -> Self {
        let mut state = State::clone(&self.state.lock());
        state.restore();
        Self { state: Arc::new(Mutex::new(Arc::new(state))) }
    }
}

impl Books for Memory {
    fn writer(&self) -> Result<Box<dyn Writer>, OpenError> {
        Ok(Box::new(writer::MemoryWriter::new(Arc::clone(&self.state))))
    }

    fn reader(&self) -> Result<Box<dyn Reader>, OpenError> {
        Ok(Box::new(reader::MemoryReader::new(Arc::clone(&self.state))))
    }
}
