//! A monitor killed with -9 at random moments in every state: nothing stays stopped or alone, and the next monitor
//! takes up the work. `GIMLI_TEST_KILLS=200 cargo test -p monitor killed` runs it longer, and with the real glider if
//! `GIMLI_TEST_GLIDER` names it.

use crate::stage::{Stage, crash_target, wait_for};
use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn kills() -> u32 {
    std::env::var("GIMLI_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(40)
}

#[test]
fn a_monitor_killed_at_any_moment_leaves_nobody_stopped_or_alone() {
    let stage = Stage::new();
    // A tracer that takes its time, so that kills fall into traces too.
    let script =
        "[ -z \"$GIMLI_TEST_GLIDER\" ] || exec \"$GIMLI_TEST_GLIDER\" $1\necho TRACE\nsleep 0.02\necho END\n";
    stage.script("tracer", script);
    let pidfile = format!("--pidfile={}", stage.path("pid").display());
    let mut seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    println!("seed {seed}");
    let modes = ["crash-loop", "serve", "thread-loop", "worker", "many-threads", "hang", "hang-in-hook"];
    let mut states = BTreeSet::new();
    let kind = |title: &str| title.replace(char::is_numeric, "");
    for round in 0..kills() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mode = modes[round as usize % modes.len()];
        // A hang is seen after a second; every other time a server that died has to wait for its next start.
        let begin_of_interest = Duration::from_secs(u64::from(mode == "hang"));
        let delay = begin_of_interest + Duration::from_micros((seed >> 33) % 80_000);
        let frequency = format!("--respawn-frequency={}", round as usize / modes.len() % 2);
        let mark = stage.path(&format!("mark{round}"));
        let interval = "--watchdog-interval=1";
        let command = [crash_target().as_os_str(), mode.as_ref(), mark.as_os_str()];
        let begin = Instant::now();
        let options = [&pidfile, interval, "--watchdog-stop-interval=1", &frequency];
        let monitor = stage.monitor(&options, &command);
        std::thread::sleep(delay.saturating_sub(begin.elapsed()));
        let before = stage.processes();
        states.extend(before.iter().filter_map(|process| process.title.strip_prefix("monitor: ")).map(kind));
        monitor.kill();
        wait_for(&format!("round {round}, {mode} killed after {delay:?}: {before:?}"), || {
            stage.processes().is_empty().then_some(())
        });
    }
    println!("killed while: {states:?}");
    // And now one that is left in peace.
    let mark = stage.path("mark");
    let command = [crash_target().as_os_str(), "null-write".as_ref(), mark.as_os_str()];
    let monitor = stage.monitor(&[&pidfile], &command);
    let own = format!("monitor[{}]: server ", monitor.pid());
    wait_for("two starts", || {
        let log = stage.read("log");
        (log.lines().filter(|line| line.contains(&own) && line.ends_with(" started")).count() == 2)
            .then_some(())
    });
    wait_for("the second server to beat", || {
        let title = format!("server {} beating", stage.server());
        stage.processes().iter().any(|process| process.title.ends_with(&title)).then_some(())
    });
    assert_eq!(stage.read("pid"), format!("{}\n", monitor.pid()));
    assert_eq!(stage.processes().len(), 2, "the monitor and one server");
    assert_eq!(monitor.stop().code(), Some(143));
}

#[test]
fn a_server_that_outlives_a_killed_monitor_is_ended_before_the_next_one_starts() {
    let stage = Stage::new();
    // Like a daemon that changes its user, it loses the signal that comes with its parent's death.
    let source = stage.write(
        "survivor.c",
        "#include <sys/prctl.h>\n#include <stdio.h>\n#include <unistd.h>\nint main(void) { prctl(PR_SET_PDEATHSIG, 0); puts(\"up\"); fflush(stdout); for (;;) pause(); }\n",
    );
    let program = stage.path("survivor");
    let mut cc = std::process::Command::new("cc");
    crate::stage::must_run(cc.arg(source).arg("-o").arg(&program), "gcc");
    let pidfile = format!("--pidfile={}", stage.path("pid").display());
    let monitor = stage.monitor(&[&pidfile], &[&program]);
    stage.wait_out("up\n");
    let first = stage.server();
    monitor.kill();
    assert_eq!(stage.processes().iter().map(|process| process.pid).collect::<Vec<_>>(), [first]);
    let monitor = stage.monitor(&[&pidfile], &[&program]);
    stage.wait_out("up\nup\n");
    let log = stage.read("log");
    assert!(log.contains(&format!("server {first} was left behind by a monitor that died")), "{log}");
    assert!(stage.processes().iter().all(|process| process.pid != first), "no two servers");
    monitor.stop();
}

#[test]
fn no_second_server_is_started_beside_one_that_may_not_be_ended() {
    let stage = Stage::new();
    let script = stage.script("stays", "trap '' TERM\necho up\nwhile :; do sleep 0.1; done\n");
    let pidfile = format!("--pidfile={}", stage.path("pid").display());
    let monitor = stage.monitor(&[&pidfile], &[&script]);
    stage.wait_out("up\n");
    let server = stage.server();
    monitor.kill();
    // Needs to be root, as the whole test run does, to become somebody who may not signal it.
    let mut monitor = stage.monitor(&[&pidfile, "--uid=nobody"], &[&script]);
    assert_eq!(monitor.wait().code(), Some(75));
    let log = stage.read("log");
    assert!(
        log.contains(&format!("monitor: server {server}, left behind by a monitor that died, cannot be"))
    );
    assert_eq!(log.matches(" started").count(), 1, "{log}");
}
