//! A server in Rust that beats. Its first argument says how it fails on its first start (`fault`, `overflow`,
//! `abort`), its second names a file that tells the first start from later ones:
//!
//! ```text
//! monitor --detach=0 target/debug/examples/beating_server overflow /tmp/started
//! ```

use libgimli::{Heartbeat, State};
use std::time::Duration;

libgimli::declare_tracer_module!("gimli_beating_server");

fn overflow(depth: u64) -> u64 {
    let room = std::hint::black_box([depth; 512]);
    if room[0] == u64::MAX { 0 } else { overflow(depth + 1) + room[0] }
}

/// Only system calls are allowed here.
unsafe extern "C" fn last_words(_signal: i32, _info: *mut libc::siginfo_t) {
    let text = b"last words\n";
    // SAFETY: write(2) on a constant.
    unsafe { libc::write(1, text.as_ptr().cast(), text.len()) };
}

fn main() -> std::io::Result<()> {
    let heart = Heartbeat::attach();
    // SAFETY: last_words only calls write(2).
    unsafe { libgimli::set_shutdown_hook(Some(last_words)) };
    let arguments: Vec<String> = std::env::args().collect();
    let (how, mark) = (arguments.get(1).map_or("", String::as_str), arguments.get(2));
    let first = mark.is_some_and(|mark| std::fs::File::create_new(mark).is_ok());
    match how {
        // SAFETY: none, it is meant to fault.
        "fault" if first => unsafe { std::ptr::without_provenance_mut::<u8>(0x2a).write_volatile(1) },
        "overflow" if first => drop(std::thread::spawn(|| overflow(0)).join()),
        "abort" if first => std::process::abort(),
        _ => {}
    }
    println!("serving");
    loop {
        if let Some(heart) = &heart {
            heart.set(State::Running);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
