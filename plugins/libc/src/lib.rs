//! `gimli_libc.so`: what glider says of a process by knowing its C library.
//!
//! - For each thread that is blocked in a mutex, read-write lock, condition variable, semaphore, barrier or
//!   pthread_join: on what, who holds it, and who called.
//! - After the threads: every circle of threads that wait for each other, then all that is waited for.
//! - The `errno` of each thread, and what malloc has taken from the system.
//!
//! From the stack to the text:
//! - `call`: what a function waits for, by its name;
//! - `futex`: the sleep that the registers show;
//! - `lock`: who holds a lock, by its bytes;
//! - `thread_ids`: the ids that a process in a container has for its threads;
//! - `recognise`: these on a thread's stack;
//! - `graph`: circles;
//! - `naming`, `stacks`, `account`: the words;
//! - `errno`, `heap`: the rest.
//!
//! The process may be corrupt: no structure is followed without bound, and memory that does not look like
//! what it should be is said to be corrupt and concluded from no further.

mod account;
mod call;
mod errno;
mod futex;
mod graph;
mod heap;
mod lock;
mod naming;
mod recognise;
mod stacks;
mod thread_ids;

use account::Account;
use gimli_plugin_api::{Analyzer, Error, ErrorKind, Flow, Hooks, Host, Thread, export_analyzer};
use std::collections::BTreeSet;
use thread_ids::ThreadIds;

/// The analyzer; one per trace.
#[derive(Default)]
struct Libc {
    /// Path of the C library.
    path: String,
    account: Account,
    ids: ThreadIds,
    looked_at: BTreeSet<i32>,
}

impl Libc {
    /// Finds out what a thread waits for, once.
    fn look_at(&mut self, host: &Host<'_>, thread: &Thread<'_>) -> Result<Option<String>, Error> {
        if !self.looked_at.insert(thread.id.0) {
            return Ok(None);
        }
        let Some(wait) = recognise::recognise(host, &self.ids, thread)? else { return Ok(None) };
        let text = self.account.describe_wait(host, &wait);
        self.account.add(thread.id, wait);
        Ok(Some(text))
    }
}

impl Analyzer for Libc {
    fn begin_trace(&mut self, host: &Host<'_>) -> Result<Hooks, Error> {
        let library = host.objects().into_iter().find(|object| naming::is_libc_path(&object.path));
        let Some(library) = library else { return Ok(Hooks::NONE) };
        self.path = library.path.into();
        self.account = Account::new(host);
        self.ids = ThreadIds::read(host);
        Ok(Hooks::BEGIN_THREAD | Hooks::GLOBAL_TRACE)
    }

    fn begin_thread(&mut self, host: &Host<'_>, thread: &Thread<'_>) -> Result<Flow, Error> {
        if let Some(text) = self.look_at(host, thread)? {
            writeln!(host, "{text}")?;
        }
        if let Some(text) = errno::read(host, thread.id, &self.path) {
            writeln!(host, "{text}")?;
        }
        Ok(Flow::Continue)
    }

    fn global_trace(&mut self, host: &Host<'_>) -> Result<(), Error> {
        // Those that the report leaves out may hold what the others wait for.
        for thread in host.threads() {
            self.look_at(host, &thread)?;
        }
        self.account.print(host)?;
        match heap::print(host, &self.path) {
            Err(error) if error.kind() == ErrorKind::NO_INFORMATION => {
                writeln!(host, "heap: nothing known, {error}")
            }
            result => result,
        }
    }
}

export_analyzer!(Libc::default);
