//! Variables of the standard library's types, smart pointers, closures and trait objects.

#![expect(dead_code, reason = "the fields are for whoever looks at the process from outside")]

use crate::process::block_here;
use crate::variables::keep;
use std::borrow::Cow;
use std::cell::{Cell, LazyCell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::ffi::{CStr, CString, OsString};
use std::fmt::{Debug, Display};
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::ptr;
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, RwLock};
use std::time::{Duration, Instant, SystemTime};

#[inline(never)]
pub(crate) fn hold_strings(seed: i32) -> i32 {
    let text = "a string slice";
    let unicode = "h\u{e9}llo \u{4e16}\u{754c}\n";
    let owned = format!("owned {seed}");
    let empty = String::new();
    let boxed: Box<str> = "boxed".into();
    let borrowed: Cow<'_, str> = Cow::Borrowed("borrowed");
    let bytes = b"bytes\0\xff";
    let c_text: &CStr = c"with a NUL";
    let c_owned = CString::new("C string").unwrap_or_default();
    let os = OsString::from("os string");
    let path = PathBuf::from("/var/spool/sample");
    let below = hold_collections(seed);
    keep!(text, unicode, owned, empty, boxed, borrowed, bytes, c_text, c_owned, os, path);
    below
}

#[inline(never)]
fn hold_collections(seed: i32) -> i32 {
    let numbers = vec![1, 2, 3, seed];
    let words = vec!["alpha".to_string(), "beta".to_string()];
    let nothing: Vec<u64> = Vec::new();
    let large: Vec<u8> = vec![7; 1000];
    let queue: VecDeque<i32> = (0..5).collect();
    let ages: HashMap<&str, u32> = HashMap::from([("ada", 36), ("grace", 85)]);
    let seen: HashSet<u8> = HashSet::from([seed as u8]);
    let sorted: BTreeMap<i32, String> = BTreeMap::from([(seed, "one".to_string()), (2, "two".to_string())]);
    let letters: BTreeSet<char> = "hello".chars().collect();
    let slices: Box<[u16]> = vec![10, 20, 30].into_boxed_slice();
    let mut wrapped: VecDeque<i32> = (0..4).collect(); // its elements go over the end of the ring
    wrapped.rotate_left(2);
    wrapped.pop_front();
    wrapped.push_back(9 * seed);
    let tall: BTreeMap<u16, u16> = (0..60).map(|key| (key, key * key)).collect(); // more than one node
    let mut sparse: HashMap<u32, String> = (0..50).map(|key| (key, format!("value {key}"))).collect();
    sparse.retain(|key, _| key % 10 == 3);
    let nested = vec![Some(("pair", seed)), None];
    let below = hold_smart_pointers(seed);
    keep!(wrapped, tall, sparse, nested);
    keep!(numbers, words, nothing, large, queue, ages, seen, sorted, letters, slices);
    below
}

#[derive(Debug)]
struct Node {
    value: i32,
    parent: RefCell<Weak<Node>>,
    children: RefCell<Vec<Rc<Node>>>,
}

/// A thread panics with the lock in its hands.
fn poison(mutex: &Arc<Mutex<i32>>) {
    let mutex = Arc::clone(mutex);
    std::panic::set_hook(Box::new(|_| ()));
    let holder = std::thread::spawn(move || {
        let held = mutex.lock();
        assert!(held.is_err(), "poisons the lock");
    });
    drop(holder.join());
    drop(std::panic::take_hook());
}

/// What a `String` looks like that something else was written over: it is never used as one.
fn overwritten_string() -> MaybeUninit<String> {
    let mut string = MaybeUninit::<String>::uninit();
    // SAFETY: the three words are inside of the string, which nobody takes for one.
    unsafe { ptr::write(string.as_mut_ptr().cast::<[usize; 3]>(), black_box([3, 0x7ead_0000, 139])) };
    string
}

#[inline(never)]
fn hold_smart_pointers(seed: i32) -> i32 {
    let boxed = Box::new(11 * seed);
    let leaf = Rc::new(Node { value: 3, parent: RefCell::default(), children: RefCell::default() });
    let branch = Rc::new(Node {
        value: 5 * seed,
        parent: RefCell::default(),
        children: RefCell::new(vec![Rc::clone(&leaf)]),
    });
    *leaf.parent.borrow_mut() = Rc::downgrade(&branch); // a cycle, of which one way is weak
    let shared = Arc::new(vec![seed, 2]);
    let second = Arc::clone(&shared);
    let cell = Cell::new(seed);
    let borrowed_cell = RefCell::new("borrowed".to_string());
    let borrow = borrowed_cell.borrow_mut();
    let mutex = Mutex::new(17 * seed);
    let guard = mutex.lock();
    let rwlock = RwLock::new(Some(seed));
    let once: OnceLock<u8> = OnceLock::from(9);
    let atomic = AtomicU64::new(1 << 40);
    let flag = AtomicBool::new(true);
    let duration = Duration::from_millis(1500 * seed as u64);
    let text: Rc<str> = Rc::from("shared text");
    let poisoned = Arc::new(Mutex::new(3 * seed));
    poison(&poisoned);
    let read_twice = RwLock::new(seed);
    let readers = (read_twice.read(), read_twice.read());
    let overwritten = overwritten_string();
    let below = hold_lazy_values(seed, leaf.value + branch.value);
    keep!(text, poisoned, readers, overwritten);
    keep!(boxed, leaf, branch, second, cell, *borrow, guard, rwlock, once, atomic, flag, duration);
    below
}

#[inline(never)]
fn hold_lazy_values(seed: i32, sum: i32) -> i32 {
    // Of numbers: gdb's printer of an uninitialised String takes whatever memory its length says.
    let unset: OnceLock<u32> = OnceLock::new();
    let set_cell: OnceCell<u16> = OnceCell::from(7);
    let lazy: LazyLock<String> = LazyLock::new(|| "made when first used".to_owned());
    let unused: LazyLock<u32> = LazyLock::new(|| 3);
    let lazy_cell: LazyCell<i64> = LazyCell::new(|| -5);
    let unused_cell: LazyCell<i64> = LazyCell::new(|| -6);
    let made = (lazy.len(), *lazy_cell);
    let now = Instant::now();
    let created = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 250_000_000);
    let half_open = seed..7;
    let closed = 'a'..='z';
    let (from, to, up_to) = (seed as u8.., ..-2i64, ..=u128::MAX);
    let below = hold_closures(seed, sum);
    keep!(unset, set_cell, lazy, unused, lazy_cell, unused_cell, made);
    keep!(now, created, half_open, closed, from, to, up_to);
    below
}

trait Describe: Debug {
    fn describe(&self, seed: i32) -> i32;
}

#[derive(Debug)]
struct Lamp {
    watts: u16,
}

impl Describe for Lamp {
    #[inline(never)]
    fn describe(&self, seed: i32) -> i32 {
        let twice = 2 * self.watts;
        let below = hold_generic("generic", &[1.5, f64::from(seed)], seed);
        below + i32::from(twice)
    }
}

#[inline(never)]
fn hold_closures(seed: i32, sum: i32) -> i32 {
    let mut count = sum;
    let text = "captured".to_string();
    let add = |more: i32| more + seed;
    let mut increment = || {
        count += 1;
        count
    };
    increment();
    let length = move || text.len();
    let function: fn(i32) -> i32 = |value| value * 2;
    let erased: Box<dyn Fn(i32) -> i32> = Box::new(move |value| value + seed);
    let lamp = Lamp { watts: 40 };
    let object: &dyn Describe = &lamp;
    let boxed_object: Box<dyn Describe> = Box::new(Lamp { watts: 60 });
    let below = black_box(object).describe(seed);
    keep!(add, length, function, erased, object, boxed_object);
    below + add(1) + function(2) + erased(3) + count
}

#[inline(never)]
fn hold_generic<T: Display, const N: usize>(label: T, samples: &[f64; N], seed: i32) -> i32 {
    let widest = samples.iter().copied().fold(f64::MIN, f64::max);
    let line = format!("{label}: {widest}");
    block_here();
    keep!(widest, line);
    seed
}
