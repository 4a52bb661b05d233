//! From a thread's stack to what it waits for.
//!
//! A thread counts as waiting only when its registers show it asleep in futex(2), and as waiting for
//! an object only when the word it sleeps on lies in that object. Where the object lies is read from
//! the parameters of the C library's functions when its debug information is there, and otherwise
//! follows from the word, for those whose layout never changes. Where the function has no name the program's own
//! debug information may say what kind of lock it is.

use crate::call::{Call, LockType};
use crate::futex::Futex;
use crate::lock::{self, Holder, Mutex, RwLock};
use crate::naming;
use crate::thread_ids::ThreadIds;
use gimli_plugin_api::{Address, Error, Frame, Host, Thread, Trust};

/// Frames looked at for the functions of the C library and the one that called them.
const MAX_FRAMES: usize = 64;
/// How far a thread's id may lie from the start of its descriptor; 0x2d0 in glibc 2.36.
const MAX_DESCRIPTOR: u64 = 4096;
/// Thread descriptors are aligned to this (`TCB_ALIGNMENT`).
const DESCRIPTOR_ALIGNMENT: u64 = 64;

/// What a thread waits for.
#[derive(Clone, Debug)]
pub(crate) struct Wait {
    /// By which call.
    pub(crate) call: Call,
    /// The function of the C library, `pthread_mutex_lock`; none where it has no name.
    pub(crate) function: Option<String>,
    /// The word it sleeps on.
    pub(crate) word: Address,
    /// Whether it waits for a limited time.
    pub(crate) is_timed: bool,
    /// Where the object starts; `None` when that does not follow from what is known.
    pub(crate) object: Option<Address>,
    /// The mutex that a waiter for a condition takes again.
    pub(crate) mutex: Option<Address>,
    /// Who holds it, or which thread is to end.
    pub(crate) holder: Holder,
    /// The caller: function, file and line.
    pub(crate) site: String,
}

/// What a thread waits for; `None` when it is not asleep in a futex.
///
/// # Errors
/// When the thread is unknown.
pub(crate) fn recognise(
    host: &Host<'_>,
    ids: &ThreadIds,
    thread: &Thread<'_>,
) -> Result<Option<Wait>, Error> {
    // A timed wait that was looked at before goes on by another system call.
    if !matches!(thread.system_call(), Some("futex" | "restart_syscall")) {
        return Ok(None);
    }
    let frames = host.frames(thread.id)?;
    let Some(innermost) = frames.first() else { return Ok(None) };
    let registers = host.registers(thread.id, innermost.index)?;
    let Some(futex) = Futex::from_registers(&registers) else { return Ok(None) };
    let is_library =
        |frame: &&Frame<'_>| naming::is_libc(frame) && frame.signal == 0 && frame.trust < Trust::SCAN;
    let library: Vec<&Frame<'_>> = frames.iter().take(MAX_FRAMES).take_while(is_library).collect();
    let known = library.iter().find_map(|frame| Call::parse(frame.function()?));
    let lock = if known.is_none() { naming::find_lock(host, futex.word) } else { None };
    let by_type = lock.and_then(|(lock, _)| call_of(host, lock, futex.word));
    if known.or(by_type).is_none() && thread.system_call() != Some("futex") {
        return Ok(None);
    }
    let mut call = known.or(by_type).unwrap_or(Call::Futex);
    let mut holder = Holder::None;
    // Its function has no name without debug information, but a thread's descriptor is known by itself.
    if matches!(call, Call::Join | Call::Futex)
        && let Some(thread) = joined_thread(host, ids, futex.word)
    {
        (call, holder) = (Call::Join, Holder::Thread(thread));
    }
    let Parameters { object, mutex } = parameters(host, &library, call, futex.word);
    let object = object
        .or_else(|| derive_object(host, call, futex.word))
        .or_else(|| lock.or_else(|| naming::find_lock(host, futex.word)).map(|(_, start)| start));
    if let Some(known) = find_holder(host, call, object) {
        holder = ids.translate(known);
    }
    let function = function(&library, call);
    let Futex { word, is_timed } = futex;
    let site = naming::site(&frames);
    Ok(Some(Wait { call, function, word, is_timed, object, mutex, holder, site }))
}

/// The function that the program called, the outermost of those that are this call.
fn function(library: &[&Frame<'_>], call: Call) -> Option<String> {
    let names = || library.iter().rev().filter_map(|frame| frame.function());
    match call {
        Call::Join => Some("pthread_join".to_string()),
        Call::Internal => names().next().map(naming::plain_name),
        Call::Futex => names().find(|name| *name == "syscall").map(naming::plain_name),
        _ => names().find(|name| Call::parse(name) == Some(call)).map(naming::plain_name),
    }
}

/// What a sleep on a word of a lock waits for.
fn call_of(host: &Host<'_>, lock: LockType, word: Address) -> Option<Call> {
    Some(match lock {
        LockType::Mutex => Call::Mutex,
        LockType::ReadWrite if lock::is_reader(word.0, host.read(word).ok()?) => Call::ReadLock,
        LockType::ReadWrite => Call::WriteLock,
        LockType::Condition => Call::Condition,
        LockType::Semaphore => Call::Semaphore,
        LockType::Barrier => Call::Barrier,
    })
}

/// The thread whose end somebody waits for, when `word` is the id in a thread's descriptor.
///
/// A descriptor begins with the thread control block, which holds its own address twice, at 0 and at 16
/// (psABI for x86_64, thread-local storage).
fn joined_thread(host: &Host<'_>, ids: &ThreadIds, word: Address) -> Option<i32> {
    let thread = ids.find(host.read(word).ok()?)?;
    let highest = word.0 - word.0 % DESCRIPTOR_ALIGNMENT;
    let starts = (0..MAX_DESCRIPTOR / DESCRIPTOR_ALIGNMENT)
        .map_while(|step| highest.checked_sub(step * DESCRIPTOR_ALIGNMENT));
    starts.map(Address).find(|start| {
        let holds =
            |place: Option<Address>| place.is_some_and(|place| host.read_pointer(place) == Ok(*start));
        holds(Some(*start)) && holds(start.checked_add(16))
    })?;
    Some(thread)
}

/// What the parameters of the C library's functions point at.
#[derive(Default)]
struct Parameters {
    object: Option<Address>,
    /// Of a wait for a condition.
    mutex: Option<Address>,
}

/// Reads the parameters of the innermost function that is this call, and has the object that `word` is a part of.
fn parameters(host: &Host<'_>, library: &[&Frame<'_>], call: Call, word: Address) -> Parameters {
    let covers =
        |start: &Address| word.0.checked_sub(start.0).is_some_and(|offset| offset < call.object_size());
    let Some(name) = call.parameter() else { return Parameters::default() };
    let are_its = |frame: &&&Frame<'_>| frame.function().and_then(Call::parse) == Some(call);
    let found = library.iter().filter(are_its).find_map(|frame| {
        let variables = host.variables(frame.thread, frame.index).ok()?;
        let pointer = |name: &str| {
            let variable = variables.iter().find(|variable| variable.name == name)?;
            variable.pointer().filter(|pointer| !pointer.is_null())
        };
        let object = Some(pointer(name).filter(covers)?);
        Some(Parameters { object, mutex: pointer("mutex").filter(|_| call == Call::Condition) })
    });
    found.unwrap_or_default()
}

/// Where the object starts that `word` is a part of, for those whose layout never changes.
fn derive_object(host: &Host<'_>, call: Call, word: Address) -> Option<Address> {
    match call {
        Call::Mutex | Call::Semaphore => Some(word),
        Call::ReadLock | Call::WriteLock => {
            let value = host.read::<u32>(word).ok()?;
            word.checked_sub(lock::rwlock_offset(word.0, value))
        }
        _ => None,
    }
}

fn find_holder(host: &Host<'_>, call: Call, object: Option<Address>) -> Option<Holder> {
    let holder = match call {
        Call::Mutex => {
            object.and_then(|place| host.read::<Mutex>(place).ok()).as_ref().map(lock::mutex_holder)
        }
        Call::ReadLock | Call::WriteLock => {
            object.and_then(|place| host.read::<RwLock>(place).ok()).as_ref().map(lock::rwlock_holder)
        }
        _ => return None,
    };
    Some(holder.unwrap_or(Holder::Unknown))
}
