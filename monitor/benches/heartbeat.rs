//! What a heart beat costs: `cargo bench -p monitor --bench heartbeat`. A plain program, run under nothing. It takes
//! the thread's own time, so that other work on the machine counts as little as may be.

use libgimli::State;
use libgimli::segment::Segment;
use nix::time::ClockId;
use std::hint::black_box;
use std::time::Duration;

const BEATS: u32 = 50_000_000;

fn beat(segment: &Segment, beats: u32) -> f64 {
    let now = || ClockId::CLOCK_THREAD_CPUTIME_ID.now().map_or(Duration::ZERO, Duration::from);
    let begin = now();
    for _ in 0..beats {
        black_box(segment).beat(black_box(State::Running as i32));
    }
    (now() - begin).as_nanos() as f64 / f64::from(beats)
}

fn main() {
    let segment = Segment::default();
    beat(&segment, BEATS / 10);
    println!("one thread: {:.2} ns per beat", beat(&segment, BEATS));
    let spread: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| beat(&segment, BEATS / 10))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let worst = spread.into_iter().fold(0.0, f64::max);
    println!("four threads on the same heart: {worst:.2} ns per beat at worst");
}
