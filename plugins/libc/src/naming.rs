//! Names for people: of an object in memory, of the place that called, of a function.

use crate::call::LockType;
use gimli_plugin_api::{Address, Frame, Host, Size, TypeId, TypeKind};

/// Levels of structures and arrays looked into for the member that lies at an address.
const MAX_LEVELS: usize = 8;

/// The last part of a path.
fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a frame's code is the C library's; before glibc 2.34 threads had a library of their own.
pub(crate) fn is_libc(frame: &Frame<'_>) -> bool {
    frame.object().is_some_and(is_libc_path)
}

/// Whether an object is the C library.
pub(crate) fn is_libc_path(path: &str) -> bool {
    let name = base_name(path);
    ["libc.so", "libc-2.", "libpthread.so", "libpthread-2."].iter().any(|start| name.starts_with(start))
}

/// The name that programs call a function of the C library by, without the marks of its inner variants:
/// `sem_wait` for `__new_sem_wait_slow64.constprop.0`.
///
/// The variants stand on the stack alone, where the function ends in a jump to them.
pub(crate) fn plain_name(function: &str) -> String {
    let name = function.split(['@', '.']).next().unwrap_or(function).trim_start_matches('_');
    let name = name.strip_prefix("new_").unwrap_or(name);
    let marks = ["_slow64", "_slow", "_common", "_full64", "_full", "_ex"];
    marks.iter().find_map(|mark| name.strip_suffix(mark)).unwrap_or(name).to_string()
}

/// The innermost place in the program's own code: `lock_both (threads.c:48)`.
///
/// Wrappers that languages put around the C library's locks are passed over.
pub(crate) fn site(frames: &[Frame<'_>]) -> String {
    let is_wrapper = |frame: &Frame<'_>| {
        frame.function().is_none_or(|name| {
            ["std::", "__gthread", "<std::", "core::"].iter().any(|start| name.starts_with(start))
        })
    };
    let own = || frames.iter().filter(|frame| !is_libc(frame));
    match own().find(|frame| !is_wrapper(frame)).or_else(|| own().next()).or_else(|| frames.first()) {
        Some(frame) => place(frame),
        None => "an unknown place".to_string(),
    }
}

fn place(frame: &Frame<'_>) -> String {
    match (frame.function(), frame.file(), frame.line()) {
        (Some(function), Some(file), Some(line)) => format!("{function} ({}:{line})", base_name(file)),
        (Some(function), _, _) => format!("{function}+{:#x}", frame.offset.0),
        (None, _, _) => frame.pc.to_string(),
    }
}

/// An object by symbol and member, ``server`alice.lock (0x5603f41c0390)``; `None` for what is in no object's file.
pub(crate) fn object(host: &Host<'_>, address: Address) -> Option<String> {
    let name = host.name_of(address)?;
    let file = base_name(&name.object);
    let Some(symbol) = name.symbol() else { return Some(format!("{address} in {file}")) };
    let start = address.checked_sub(name.offset.0)?;
    let Member { path, rest, .. } = find_member(host, host.type_of(start), name.offset);
    Some(format!("{file}`{symbol}{path}{} ({address})", beyond(rest)))
}

/// The way from a variable of this type to what lies at an offset in it.
pub(crate) fn members(host: &Host<'_>, type_id: TypeId, offset: Size) -> String {
    let Member { path, rest, .. } = find_member(host, Some(type_id), offset);
    format!("{path}{}", beyond(rest))
}

fn beyond(rest: Size) -> String {
    match rest {
        Size(0) => String::new(),
        Size(rest) => format!("+{rest:#x}"),
    }
}

/// The lock that a word is a part of, where it is in a global variable whose type the program's debug
/// information tells: what waiting for it would be, and where it starts.
pub(crate) fn find_lock(host: &Host<'_>, word: Address) -> Option<(LockType, Address)> {
    let name = host.name_of(word)?;
    let start = word.checked_sub(name.offset.0)?;
    let member = find_member(host, host.type_of(start), name.offset);
    Some((member.lock?, word.checked_sub(member.rest.0)?))
}

/// What lies at an offset in a variable.
struct Member {
    /// The way from the variable to it: `.queue[2].lock`.
    path: String,
    /// The bytes that are left of the offset where the types say no more.
    rest: Size,
    /// Whether the way ends at a lock.
    lock: Option<LockType>,
}

/// Goes down from a variable to what lies at an offset in it; ends at locks, whose insides are the C library's.
fn find_member(host: &Host<'_>, type_id: Option<TypeId>, offset: Size) -> Member {
    let (mut path, mut left, mut lock) = (String::new(), offset.0, None);
    let mut next = type_id;
    for _ in 0..MAX_LEVELS {
        lock = next.and_then(|id| lock_type(host, id));
        if lock.is_some() {
            break;
        }
        let Some(info) = next.and_then(|id| host.resolve_type(id).ok()) else { break };
        match info.kind {
            TypeKind::STRUCT => {
                let within = info.members.iter().find_map(|member| {
                    let from = member.offset()?.whole_bytes().0;
                    let length = host.resolve_type(member.type_id()?).ok()?.size()?.0;
                    let inside = left.checked_sub(from).filter(|inside| *inside < length)?;
                    Some((member, inside))
                });
                let Some((member, inside)) = within else { break };
                if !member.name.is_empty() {
                    path.push('.');
                    path.push_str(&member.name);
                }
                (left, next) = (inside, member.type_id());
            }
            TypeKind::ARRAY => {
                let element = info.target().and_then(|id| host.resolve_type(id).ok());
                let Some(length) = element.and_then(|one| one.size()).filter(|size| size.0 > 0) else {
                    break;
                };
                path.push_str(&format!("[{}]", left / length.0));
                (left, next) = (left % length.0, info.target());
            }
            _ => break,
        }
    }
    Member { path, rest: Size(left), lock }
}

/// The kind of lock that a type is, by its own name or one that it is another name for.
fn lock_type(host: &Host<'_>, type_id: TypeId) -> Option<LockType> {
    let mut id = type_id;
    for _ in 0..MAX_LEVELS {
        let info = host.type_info(id).ok()?;
        if let Some(lock) = LockType::parse(&info.name) {
            return Some(lock);
        }
        id = info.target().filter(|_| info.kind.is_alias())?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_plain() {
        assert_eq!(plain_name("___pthread_mutex_lock"), "pthread_mutex_lock");
        assert_eq!(plain_name("__new_sem_wait_slow64.constprop.0"), "sem_wait");
        assert_eq!(plain_name("__pthread_mutex_lock_full"), "pthread_mutex_lock");
        assert_eq!(plain_name("__pthread_mutex_clocklock_common"), "pthread_mutex_clocklock");
        assert_eq!(plain_name("pthread_cond_wait@@GLIBC_2.3.2"), "pthread_cond_wait");
    }

    #[test]
    fn the_library_is_known_by_its_file() {
        for path in ["/lib/x86_64-linux-gnu/libc.so.6", "/lib/libc-2.31.so", "/lib/libpthread.so.0"] {
            assert!(is_libc_path(path), "{path}");
        }
        for path in ["/lib/libcrypto.so.3", "/srv/libc.so.6/server", "libc"] {
            assert!(!is_libc_path(path), "{path}");
        }
    }
}
