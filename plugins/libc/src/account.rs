//! The report: what is known of the waiting threads, put into words.

use crate::call::Call;
use crate::graph::{self, Edges};
use crate::lock::Holder;
use crate::naming;
use crate::recognise::Wait;
use crate::stacks::StackNames;
use gimli_plugin_api::{Address, Error, Host, ThreadId};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Objects listed of those waited for.
const MAX_OBJECTS: usize = 256;
/// Threads listed for one circle.
const MAX_CYCLE: usize = 64;

/// The threads of the process, and what each waits for.
#[derive(Default)]
pub(crate) struct Account {
    /// Place in the report and name of each thread.
    threads: BTreeMap<i32, (u32, String)>,
    waits: BTreeMap<i32, Wait>,
    stack_names: StackNames,
}

impl Account {
    /// An account of these threads, of which nothing is known yet.
    pub(crate) fn new(host: &Host<'_>) -> Account {
        let threads = host.threads();
        let threads = threads.iter().map(|thread| (thread.id.0, (thread.index, thread.name.to_string())));
        Account { threads: threads.collect(), ..Account::default() }
    }

    /// Notes what a thread waits for.
    pub(crate) fn add(&mut self, thread: ThreadId, wait: Wait) {
        self.waits.insert(thread.0, wait);
    }

    /// What is printed at a thread.
    pub(crate) fn describe_wait(&self, host: &Host<'_>, wait: &Wait) -> String {
        let function = wait.function.as_deref().unwrap_or("a function without a name");
        let mut line = format!("blocked in {function}, called by {}: ", wait.site);
        let _ = write!(line, "waits for {}", self.describe_object(host, wait));
        if let Some(mutex) = wait.mutex {
            let _ = write!(line, ", with mutex {}", self.name(host, mutex));
        }
        let how = match wait.call {
            Call::ReadLock => ", to read",
            Call::WriteLock => ", to write",
            _ => "",
        };
        let limited = if wait.is_timed { ", for a limited time" } else { "" };
        let _ = write!(line, "{how}{limited}{}", self.describe_holder(wait));
        line
    }

    /// Prints the circles and then everything that is waited for.
    ///
    /// # Errors
    /// When no more may be printed.
    pub(crate) fn print(&self, host: &Host<'_>) -> Result<(), Error> {
        let edges = self.edges();
        for cycle in graph::cycles(&edges) {
            self.print_cycle(host, &edges, &cycle)?;
        }
        self.print_abandoned(host)?;
        self.print_objects(host)
    }

    /// From each thread to the one that it waits for.
    fn edges(&self) -> Edges {
        let edges = self.waits.iter().filter_map(|(&thread, wait)| match wait.holder {
            Holder::Thread(holder) => Some((thread, holder)),
            _ => None,
        });
        edges.collect()
    }

    fn print_cycle(&self, host: &Host<'_>, edges: &Edges, cycle: &[i32]) -> Result<(), Error> {
        let is_timed = cycle.iter().any(|thread| self.waits.get(thread).is_some_and(|wait| wait.is_timed));
        let count = cycle.len();
        let end = if is_timed { "until the time of one is over" } else { "none of them can go on" };
        match count {
            1 if is_timed => writeln!(host, "DEADLOCK: a thread waits for itself, until its time is over")?,
            1 => writeln!(host, "DEADLOCK: a thread waits for itself and can never go on")?,
            _ => writeln!(host, "DEADLOCK: {count} threads wait for each other, {end}")?,
        }
        for thread in cycle.iter().take(MAX_CYCLE) {
            let Some(wait) = self.waits.get(thread) else { continue };
            writeln!(
                host,
                "    {}, in {}, waits for {}{}",
                self.describe_thread(*thread),
                wait.site,
                self.describe_object(host, wait),
                self.describe_holder(wait),
            )?;
        }
        if count > MAX_CYCLE {
            writeln!(host, "    ... and {} more", count - MAX_CYCLE)?;
        }
        let behind = graph::behind(edges, cycle);
        if !behind.is_empty() {
            writeln!(host, "    stuck behind them: {}", self.list(host, &behind))?;
        }
        Ok(())
    }

    /// Locks whose holder has ended: whoever waits for one does so for ever.
    fn print_abandoned(&self, host: &Host<'_>) -> Result<(), Error> {
        let ended = |wait: &&Wait| matches!(wait.holder, Holder::Ended(_));
        let objects: BTreeSet<String> =
            self.waits.values().filter(ended).map(|wait| self.describe_object(host, wait)).collect();
        for object in objects.iter().take(MAX_OBJECTS) {
            writeln!(host, "ABANDONED: the thread that held {object} has ended, and nobody can let it go")?;
        }
        Ok(())
    }

    /// Every object that is waited for, who holds it, and who waits.
    fn print_objects(&self, host: &Host<'_>) -> Result<(), Error> {
        let mut objects: BTreeMap<(&'static str, Address), Vec<i32>> = BTreeMap::new();
        for (&thread, wait) in &self.waits {
            objects.entry((wait.call.noun(), wait.object.unwrap_or(wait.word))).or_default().push(thread);
        }
        if objects.is_empty() {
            return writeln!(host, "no thread waits for another");
        }
        writeln!(host, "waited for:")?;
        for waiting in objects.values().take(MAX_OBJECTS) {
            let Some(wait) = waiting.first().and_then(|thread| self.waits.get(thread)) else { continue };
            let object = self.describe_object(host, wait);
            writeln!(host, "    {object}{}{}", self.describe_holder(wait), self.place_of_holder(host, wait))?;
            let mut sites: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
            for thread in waiting {
                let site = self.waits.get(thread).map(|wait| wait.site.as_str()).unwrap_or_default();
                sites.entry(site).or_default().push(*thread);
            }
            for (site, threads) in sites.iter().take(MAX_OBJECTS) {
                writeln!(host, "        by {}, in {site}", self.list(host, threads))?;
            }
        }
        if objects.len() > MAX_OBJECTS {
            writeln!(host, "    ... and {} more", objects.len() - MAX_OBJECTS)?;
        }
        Ok(())
    }

    /// An object by the best name there is.
    fn name(&self, host: &Host<'_>, address: Address) -> String {
        let named = naming::object(host, address).or_else(|| self.stack_names.find(host, address));
        named.unwrap_or_else(|| address.to_string())
    }

    fn describe_object(&self, host: &Host<'_>, wait: &Wait) -> String {
        let noun = wait.call.noun();
        match (wait.call, &wait.holder, wait.object) {
            (Call::Join, Holder::Thread(thread), _) => {
                format!("the end of {}", self.describe_thread(*thread))
            }
            (Call::Join, _, _) => format!("the end of a thread that is not known (id at {})", wait.word),
            (_, _, Some(object)) => format!("{noun} {}", self.name(host, object)),
            (Call::Internal | Call::Futex, _, None) => {
                format!("{noun} {}", self.name(host, wait.word))
            }
            (_, _, None) => format!(
                "a {noun} around {} (where it begins only the C library's debug information tells)",
                self.name(host, wait.word)
            ),
        }
    }

    fn describe_holder(&self, wait: &Wait) -> String {
        match &wait.holder {
            _ if wait.call == Call::Join => String::new(),
            Holder::Thread(thread) => format!(", held by {}", self.describe_thread(*thread)),
            Holder::Shared(thread) => format!(", shared with other processes, held by LWP {thread} of one"),
            Holder::Ended(thread) => format!(", held by LWP {thread}, which has ended"),
            Holder::Readers(1) => ", held by a reader (the C library does not note which)".to_string(),
            Holder::Readers(count) => {
                format!(", held by {count} readers (the C library does not note which)")
            }
            Holder::Nobody => ", held by nobody: it was just let go".to_string(),
            Holder::Unnoted => ", held by a thread that has not written down its id yet".to_string(),
            Holder::Corrupt(why) => format!(", whose memory is corrupt or no longer it: {why}"),
            Holder::Unknown => ", whose holder is not known: it cannot be read".to_string(),
            Holder::None => String::new(),
        }
    }

    /// Where a holder is that does not wait itself.
    fn place_of_holder(&self, host: &Host<'_>, wait: &Wait) -> String {
        let Holder::Thread(holder) = wait.holder else { return String::new() };
        if let Some(wait) = self.waits.get(&holder) {
            return format!(", which waits itself, in {}", wait.site);
        }
        match host.frames(ThreadId(holder)) {
            Ok(frames) if !frames.is_empty() => format!(", which is in {}", naming::site(&frames)),
            _ => String::new(),
        }
    }

    fn describe_thread(&self, thread: i32) -> String {
        match self.threads.get(&thread) {
            Some((index, name)) => format!("thread {index} (LWP {thread}) {name}"),
            None => format!("LWP {thread}"),
        }
    }

    /// The first of these threads, as many as an array has elements in the report, and the number of the rest.
    fn list(&self, host: &Host<'_>, threads: &[i32]) -> String {
        let most = usize::try_from(host.limits().elements).unwrap_or(usize::MAX).max(1);
        let shown: Vec<String> = threads.iter().take(most).map(|one| self.describe_thread(*one)).collect();
        match threads.len().checked_sub(most) {
            Some(rest) if rest > 0 => format!("{} and {rest} more", shown.join(", ")),
            _ => shown.join(", "),
        }
    }
}
