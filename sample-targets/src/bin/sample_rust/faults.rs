//! Faults as Rust programs have them: by unsafe code that trusts too much, by panics, by a stack too deep.

use crate::Scenario;
use crate::process::{announce_ready, block_here};
use std::hint::black_box;
use std::ptr;

pub(crate) const SCENARIOS: &[Scenario] = &[
    ("null", "", |_| null_pointer()),
    ("wild-pointer", "", |_| wild_pointer()),
    ("wild-call", "", |_| call_overwritten(0x7ead_0000_c0de)),
    ("null-call", "", |_| call_overwritten(0)),
    ("abort", "", |_| failed_invariant()),
    ("divide-by-zero", "", |_| divide_by_zero()),
    ("stack-overflow", "", |_| stack_overflow()),
    ("in-panic-hook", "", |_| in_panic_hook()),
    ("in-unwinding", "", |_| in_unwinding()),
];

struct Session {
    id: u32,
    requests: u64,
    latency_total: u64,
    on_line: fn(&mut Session, &str) -> usize,
}

fn echo_line(session: &mut Session, line: &str) -> usize {
    session.requests += 1;
    line.len()
}

fn open_sessions() -> Vec<Session> {
    (1..=2).map(|id| Session { id, requests: 0, latency_total: 12, on_line: echo_line }).collect()
}

/// The C way of saying that there is none.
#[inline(never)]
fn find_session(sessions: &mut [Session], id: u32) -> *mut Session {
    match sessions.iter_mut().find(|session| session.id == id) {
        Some(session) => session,
        None => ptr::null_mut(),
    }
}

#[inline(never)]
fn count_request(session: *mut Session) -> u64 {
    // SAFETY: none: that the pointer leads nowhere is the fault that the scenarios show.
    unsafe {
        (*session).requests += 1;
        (*session).requests
    }
}

fn null_pointer() {
    let mut sessions = open_sessions();
    let missing = find_session(&mut sessions, 1000);
    announce_ready();
    println!("{}", count_request(missing));
}

fn wild_pointer() {
    let wild = ptr::without_provenance_mut::<Session>(black_box(0x7ead_0000_bee0));
    announce_ready();
    println!("{}", count_request(wild));
}

#[inline(never)]
fn dispatch(session: &mut Session, line: &str) -> usize {
    let handled = (session.on_line)(session, line);
    handled + 1
}

/// Something wrote `address` over a session's function pointer.
#[inline(never)]
fn call_overwritten(address: usize) {
    let mut sessions = open_sessions();
    let session = find_session(&mut sessions, 2);
    // SAFETY: the write is inside the living session. The call through what it left is the scenario's fault.
    let handled = unsafe {
        ptr::write_volatile((&raw mut (*session).on_line).cast::<usize>(), black_box(address));
        announce_ready();
        dispatch(&mut *session, "GET /status")
    };
    println!("{handled}");
}

#[inline(never)]
fn check_invariant(session: &Session, expected: u64) {
    if session.requests != expected {
        eprintln!("session {} has {} requests, expected {expected}", session.id, session.requests);
        std::process::abort();
    }
}

fn failed_invariant() {
    let sessions = open_sessions();
    announce_ready();
    for session in &sessions {
        check_invariant(session, 4);
    }
}

#[inline(never)]
fn mean_latency(session: &Session) -> u64 {
    session.latency_total / session.requests
}

/// Rust checks the divisor and panics; as servers often do, the panic hook then aborts.
fn divide_by_zero() {
    let sessions = black_box(open_sessions());
    std::panic::set_hook(Box::new(|information| {
        eprintln!("{information}");
        std::process::abort();
    }));
    announce_ready();
    println!("{}", sessions.iter().map(mean_latency).sum::<u64>());
}

/// A recursive-descent reader of "[[[[…" that trusts its input to end.
#[inline(never)]
fn read_nested(text: &[u8], depth: usize) -> usize {
    let token = black_box([depth; 8]);
    match text.iter().cycle().nth(depth % 4) {
        Some(b'[') => read_nested(text, depth + 1) + token.iter().sum::<usize>(),
        _ => depth,
    }
}

fn stack_overflow() {
    announce_ready();
    println!("read {} bytes", read_nested(b"[[[[", 0));
}

#[inline(never)]
fn parse_field(field: &str, line: u32) -> usize {
    match field.split_once('=') {
        Some((name, value)) => name.len() + value.len(),
        None => panic!("no '=' in {field:?} on line {line}"),
    }
}

/// Blocked inside the panic machinery: the frames below belong to the code that panicked.
fn in_panic_hook() {
    std::panic::set_hook(Box::new(|information| {
        let line = information.location().map(|location| location.line());
        block_here();
        eprintln!("panicked on line {line:?}");
    }));
    let parsed = parse_field("port=8080", 1) + parse_field("verbose", 2);
    println!("{parsed}");
}

/// Blocks when it is dropped because a panic passes.
struct Transaction {
    name: String,
    steps: Vec<u32>,
}

impl Drop for Transaction {
    #[inline(never)]
    fn drop(&mut self) {
        if std::thread::panicking() {
            block_here();
            eprintln!("{} undone after {} steps", self.name, self.steps.len());
        }
    }
}

fn in_unwinding() {
    std::panic::set_hook(Box::new(|_| ()));
    let transaction = Transaction { name: "update".to_string(), steps: vec![1, 2, 3] };
    println!("{} {}", transaction.name, parse_field("verbose", 3));
}
