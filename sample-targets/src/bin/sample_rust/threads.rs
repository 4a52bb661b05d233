//! Threads: many of them, coming and going, outliving their leader, deadlocked.

use crate::process::{announce_ready, block_here, wait_for_shutdown};
use crate::{Scenario, argument};
use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::sync::{Arc, Barrier, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

pub(crate) const SCENARIOS: &[Scenario] = &[
    ("deadlock", "", |_| deadlock()),
    ("busy-loop", "", |_| busy_loop()),
    ("many-threads", "[THREADS [FRAMES]]", many_threads),
    ("leader-exited", "", |_| leader_exited()),
    ("thread-churn", "", |_| thread_churn()),
    ("thread-locals", "", |_| thread_locals()),
];

/// Starts a named thread. That none can be had ends the program.
pub(crate) fn start<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    match Builder::new().name(name.to_string()).stack_size(256 * 1024).spawn(body) {
        Ok(handle) => handle,
        Err(error) => {
            eprintln!("cannot start thread {name}: {error}");
            std::process::exit(1);
        }
    }
}

struct Account {
    owner: &'static str,
    balance: Mutex<i64>,
}

#[inline(never)]
fn transfer(from: &Account, to: &Account, amount: i64, first_locks_held: &Barrier) -> String {
    let mut from_balance = from.balance.lock().unwrap_or_else(PoisonError::into_inner);
    first_locks_held.wait();
    let mut to_balance = to.balance.lock().unwrap_or_else(PoisonError::into_inner);
    *from_balance -= amount;
    *to_balance += amount;
    format!("{amount} from {} to {}", from.owner, to.owner)
}

/// Two transfers that lock the same two accounts in opposite order.
fn deadlock() {
    let alice = Arc::new(Account { owner: "alice", balance: Mutex::new(100) });
    let bob = Arc::new(Account { owner: "bob", balance: Mutex::new(50) });
    let held = Arc::new(Barrier::new(3));
    let start_transfer = |name: &str, from: &Arc<Account>, to: &Arc<Account>, amount: i64| {
        let (from, to, held) = (Arc::clone(from), Arc::clone(to), Arc::clone(&held));
        start(name, move || transfer(&from, &to, amount, &held))
    };
    let there = start_transfer("transfer-there", &alice, &bob, 10);
    let back = start_transfer("transfer-back", &bob, &alice, 20);
    held.wait();
    announce_ready();
    println!("{:?} {:?}", there.join(), back.join());
}

#[inline(never)]
fn hash_block(block: &[u8]) -> u32 {
    block.iter().fold(2_166_136_261, |hash: u32, &byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619)) | 1
}

/// Looks for a block whose hash is zero; none is.
fn busy_loop() {
    let mut block = [0; 4096];
    announce_ready();
    for tries in 0u64.. {
        block[..8].copy_from_slice(&tries.to_le_bytes());
        if hash_block(black_box(&block)) == 0 {
            break;
        }
    }
}

struct Pool {
    closing: Mutex<bool>,
    work_arrived: Condvar,
    in_place: Barrier,
    depth: usize,
}

#[inline(never)]
fn wait_for_work(pool: &Pool) {
    let guard = pool.closing.lock().unwrap_or_else(PoisonError::into_inner);
    // The lock is not held while waiting for the others: the barrier is reached without it.
    drop(guard);
    pool.in_place.wait();
    let mut closing = pool.closing.lock().unwrap_or_else(PoisonError::into_inner);
    while !*closing {
        closing = pool.work_arrived.wait(closing).unwrap_or_else(PoisonError::into_inner);
    }
}

#[inline(never)]
fn descend(pool: &Pool, number: usize, level: usize) -> usize {
    if level < pool.depth {
        descend(pool, number, level + 1) + number
    } else {
        wait_for_work(pool);
        number
    }
}

/// Workers that wait for work some calls deep.
fn many_threads(arguments: &[String]) {
    let count = argument(arguments, 0, 16, 20_000);
    let pool = Arc::new(Pool {
        closing: Mutex::new(false),
        work_arrived: Condvar::new(),
        in_place: Barrier::new(count + 1),
        depth: argument(arguments, 1, 8, 1000),
    });
    for number in 0..count {
        let pool = Arc::clone(&pool);
        start(&format!("worker-{number}"), move || descend(&pool, number, 1));
    }
    pool.in_place.wait();
    block_here();
}

fn leader_exited() {
    let started = Arc::new(Barrier::new(4));
    for _ in 0..3 {
        let started = Arc::clone(&started);
        start("survivor", move || {
            started.wait();
            wait_for_shutdown();
            std::process::exit(0);
        });
    }
    started.wait();
    announce_ready();
    // SAFETY: ends this thread alone; nothing on its stack is borrowed by the others.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
}

/// Threads that start and end all the while.
fn thread_churn() {
    for round in 0u64.. {
        let live: Vec<JoinHandle<u32>> = (0..8)
            .map(|place| start("request", move || hash_block(&(round * 8 + place).to_le_bytes())))
            .collect();
        if round == 0 {
            announce_ready();
        }
        for thread in live {
            black_box(thread.join().unwrap_or(0));
        }
    }
}

thread_local! {
    static CURRENT_REQUEST: Cell<i32> = const { Cell::new(-1) };
    static CURRENT_USER: RefCell<String> = RefCell::new("nobody".to_string());
}

fn thread_locals() {
    let in_place = Arc::new(Barrier::new(4));
    for (request, user) in (1..).zip(["ada", "grace", "edsger"]) {
        let in_place = Arc::clone(&in_place);
        start(user, move || {
            CURRENT_REQUEST.set(request);
            CURRENT_USER.with_borrow_mut(|current| *current = user.to_uppercase());
            in_place.wait();
            wait_for_shutdown();
        });
    }
    in_place.wait();
    block_here();
}
