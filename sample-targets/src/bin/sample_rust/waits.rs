//! Threads asleep in each of the ways that the standard library has, one thread for each.

use crate::Scenario;
use crate::process::block_here;
use crate::threads::start;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

pub(crate) const SCENARIOS: &[Scenario] = &[("sleeping-threads", "", |_| sleeping_threads())];

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sleeping_threads() {
    let in_place = Arc::new(Barrier::new(9));
    let sleeper = |name: &str, wait: Box<dyn FnOnce() + Send>| {
        let in_place = Arc::clone(&in_place);
        start(name, move || {
            in_place.wait();
            wait();
        })
    };
    let (sender, receiver) = channel::<String>();
    sleeper("in-channel", Box::new(move || println!("{:?}", receiver.recv())));
    let mutex = Arc::new(Mutex::new(17));
    let for_thread = Arc::clone(&mutex);
    let held = lock(&mutex);
    sleeper("in-mutex", Box::new(move || println!("{}", lock(&for_thread))));
    let shared = Arc::new(RwLock::new(vec![1, 2, 3]));
    let for_thread = Arc::clone(&shared);
    let writing = shared.write().unwrap_or_else(PoisonError::into_inner);
    sleeper("in-rwlock", Box::new(move || println!("{:?}", for_thread.read())));
    let idle = (Mutex::new(false), Condvar::new());
    sleeper(
        "in-condvar",
        Box::new(move || println!("{:?}", idle.1.wait_while(lock(&idle.0), |done| !*done))),
    );
    let parked = sleeper(
        "in-park",
        Box::new(|| {
            loop {
                thread::park();
            }
        }),
    );
    sleeper("in-sleep", Box::new(|| thread::sleep(Duration::from_secs(100_000))));
    sleeper("in-join", Box::new(move || println!("{:?}", parked.join())));
    let accept = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.accept());
    sleeper("in-accept", Box::new(move || println!("{:?}", accept())));
    in_place.wait();
    block_here();
    println!("{held} {writing:?} {sender:?}");
}
