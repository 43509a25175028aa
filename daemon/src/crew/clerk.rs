//! The clerk: a thread that owns the book, and does with it what the others ask for, one thing after another.
//!
//! The book blocks, for a few milliseconds where the disk is quick, so it has a thread of its own. What waits
//! to be written is bounded: whoever asks for more waits, too.

use crate::book::Book;
use std::io;
use std::thread::{Builder, JoinHandle};
use tokio::sync::{mpsc, oneshot};

/// Things that wait to be done. Each cycle asks for a few at a time.
const WAITING_MAX: usize = 64;

type Job = Box<dyn FnOnce(&mut Book) + Send>;

/// There is no clerk any more: its thread has panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("internal error: whoever keeps the ledger is gone")]
pub struct Gone;

/// How the clerk is reached. When the last of these is dropped it goes.
#[derive(Clone, Debug)]
pub struct Clerk {
    jobs: mpsc::Sender<Job>,
}

impl Clerk {
    /// Gives a book to a clerk. Whoever joins the thread, after all clones of the clerk are gone, knows that
    /// everything is written.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn hire(mut book: Book) -> io::Result<(Self, JoinHandle<()>)> {
        let (jobs, mut waiting) = mpsc::channel::<Job>(WAITING_MAX);
        let work = move || {
            while let Some(job) = waiting.blocking_recv() {
                job(&mut book);
            }
        };
        let thread = Builder::new().name("clerk".to_owned()).spawn(work)?;
        Ok((Self { jobs }, thread))
    }

    /// Has something done with the book, and gives what came of it. It is done even if nobody waits for it any
    /// longer.
    ///
    /// # Errors
    /// If there is no clerk.
    pub async fn ask<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Book) -> R + Send + 'static,
    ) -> Result<R, Gone> {
        let (reply, answer) = oneshot::channel();
        let job = move |book: &mut Book| {
            // Whoever asked may be gone.
            let _ = reply.send(job(book));
        };
        self.jobs.send(Box::new(job)).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }
}
