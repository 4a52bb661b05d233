//! The file behind a mapping: opened by its path, in glider's root or the target's, else through
//! the kernel's own references, else put together from the target's memory; and compared with
//! what is mapped, so that a file that took the place of another is never used for it.

#![forbid(unsafe_code)]

use super::cache::Mapped;
use super::elf::Object;
use super::image::{Image, ImageError};
use super::rebuilt;
use super::root::Root;
use super::search::Search;
use crate::address::Address;
use crate::target::Memory;
use std::io;
use std::path::Path;

/// What the memory says of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Match {
    /// The build-id, or without one the ELF header, is the one in memory.
    Same,
    /// It is another.
    Different,
    /// The memory is not at hand, or the place is not mapped.
    Unknown,
}

const ELF_MAGIC: [u8; 4] = *b"\x7fELF";
/// Bytes of an ELF header: the larger of the two classes.
const HEADER: usize = 64;

/// Where in the mapped file the object begins that the mapping is a part of: at the nearest
/// mapping before it of the same file that can hold an ELF header. Not 0 for a library that is
/// mapped straight out of an archive.
pub(super) fn start_in_file(mapped: &Mapped<'_>) -> u64 {
    let is_same =
        |inode: u64, device: (u32, u32)| inode == mapped.mapping.inode && device == mapped.mapping.device;
    let mut around = mapped.before.iter().rev().take_while(|other| is_same(other.inode, other.device));
    if mapped.mapping.offset == 0 || around.clone().any(|other| other.offset == 0) {
        return 0;
    }
    // Before the stop there is no memory to look at; the file's first mapping is the best guess.
    match mapped.memory {
        Some(memory) => around.find(|other| starts_with_magic(memory, other.start)),
        None => around.last(),
    }
    .map_or(0, |other| other.offset)
}

fn starts_with_magic(memory: &dyn Memory, address: Address) -> bool {
    let mut magic = [0; 4];
    memory.read_exact(address, &mut magic).is_some() && magic == ELF_MAGIC
}

/// Opens the object at `start` of the file behind a mapping; an error is one line in words.
pub(super) fn open(mapped: &Mapped<'_>, path: &str, start: u64, search: &Search) -> Result<Object, String> {
    let Mapped { pid, mapping, memory, .. } = *mapped;
    // A file system that does not answer holds up the opener, not this process.
    let by_path = search.roots().iter().map(|root| {
        let root = if mapping.is_remote && root.is_own() { &Root::OwnAsked } else { root };
        let read_from = (!root.is_own()).then(|| format!("{path} in the root of the process"));
        (root, path.to_owned(), read_from)
    });
    let process = Root::Process(pid);
    let map_file = format!("map_files/{:x}-{:x}", mapping.start.0, mapping.end.0);
    let by_link = ["exe".to_owned(), map_file]
        .map(|link| (&process, link.clone(), Some(format!("/proc/{pid}/{link}"))));
    let (mut problem, mut held_up) = (None, None);
    for (root, at, read_from) in by_path.chain(by_link) {
        match open_at(root, Path::new(&at), mapped, path, start) {
            Ok(mut object) => {
                object.read_from = read_from;
                return Ok(object);
            }
            // The other ways lead to the same file system.
            Err(Unusable { is_held_up: true, why }) => {
                held_up = Some(why);
                break;
            }
            // The first error is that of the path: the others say less.
            Err(Unusable { why, .. }) => _ = problem.get_or_insert(why),
        }
    }
    let mut from_memory = memory.and_then(|memory| rebuilt::rebuild(mapped, path, start, memory));
    if let (Some(object), Some(why)) = (&mut from_memory, &held_up) {
        object.read_from = Some(format!("the memory of the process: {why}"));
    }
    from_memory.ok_or_else(|| held_up.or(problem).unwrap_or_else(|| format!("{path} cannot be opened")))
}

/// Why a file cannot be used.
struct Unusable {
    why: String,
    /// Its file system does not answer.
    is_held_up: bool,
}

impl From<String> for Unusable {
    fn from(why: String) -> Self {
        Unusable { why, is_held_up: false }
    }
}

/// The object at `start` of the file at `at`, if it is what is mapped.
fn open_at(root: &Root, at: &Path, mapped: &Mapped<'_>, path: &str, start: u64) -> Result<Object, Unusable> {
    let in_words = |error: ImageError| match error {
        ImageError::Open { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            Unusable::from(format!("{path} was deleted since the process mapped it"))
        }
        ImageError::Open { source, .. } if source.kind() == io::ErrorKind::TimedOut => {
            Unusable { why: format!("{path} cannot be opened: {source}"), is_held_up: true }
        }
        error => Unusable::from(error.to_string()),
    };
    let image = Image::open(root, at).map_err(in_words)?;
    let mut object = Object::parse(Path::new(path), image.from(start)).map_err(in_words)?;
    object.start = start;
    match compare(&object, mapped) {
        Match::Same => Ok(object),
        Match::Unknown if image.inode == mapped.mapping.inode => Ok(object),
        _ => Err(format!("{path} was replaced since the process mapped it").into()),
    }
}

/// Compares an object with the memory that `mapped` shows: its build-id, or else its ELF header,
/// in the place where it is mapped.
pub(super) fn compare(object: &Object, mapped: &Mapped<'_>) -> Match {
    let (Some(memory), Some(bias)) = (mapped.memory, object.bias(mapped.mapping)) else {
        return if mapped.memory.is_some() { Match::Different } else { Match::Unknown };
    };
    let bytes = object.bytes();
    let known = object.build_id.or_else(|| bytes.get(..HEADER.min(bytes.len()))).unwrap_or_default();
    let offset = (known.as_ptr() as usize).wrapping_sub(bytes.as_ptr() as usize) as u64;
    let holds =
        |offset: u64, size: u64| offset.checked_add(known.len() as u64).is_some_and(|end| end <= size);
    let load = object
        .loads()
        .find(|load| offset.checked_sub(load.offset).is_some_and(|offset| holds(offset, load.file_size)));
    let Some(load) = load else { return Match::Unknown };
    let address = Address(bias.to_runtime(load.address).0.wrapping_add(offset - load.offset));
    let mut mapped = vec![0; known.len()];
    match memory.read_exact(address, &mut mapped) {
        Some(()) if mapped == known => Match::Same,
        // Some programs wipe their ELF header once they run, or the page with the notes, too.
        Some(()) if object.build_id.is_none() && !mapped.starts_with(&ELF_MAGIC) => Match::Unknown,
        Some(()) if object.build_id.is_some() && !follows_note_name(memory, address) => Match::Unknown,
        Some(()) => Match::Different,
        None => Match::Unknown,
    }
}

/// Whether the name of a GNU note stands before an address, as it does before a build-id.
fn follows_note_name(memory: &dyn Memory, address: Address) -> bool {
    let mut name = [0; 4];
    let at = Address(address.0.wrapping_sub(name.len() as u64));
    memory.read_exact(at, &mut name).is_some() && &name == b"GNU\0"
}
