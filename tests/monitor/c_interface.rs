//! libgimli.h and the libraries, as C and C++ programs use them, and the Rust crate.

use crate::stage::{Stage, header_folder, library_folder, must_run, target_source};
use std::process::Command;

const USER: &str = r#"
#include <libgimli.h>
#include <libgimli.h>
#include <stdio.h>
GIMLI_DECLARE_TRACER_MODULE("gimli_first");
GIMLI_DECLARE_TRACER_MODULE("gimli_second.so");
static void bye(int signo, siginfo_t *si) { (void)signo; (void)si; fputs("bye\n", stderr); }
int main(void) {
  volatile struct gimli_heartbeat *hb = gimli_heartbeat_attach();
  gimli_shutdown_func_t hook = bye;
  gimli_set_shutdown_func(hook);
  gimli_heartbeat_set(hb, GIMLI_HB_RUNNING);
  gimli_establish_signal_handlers();
  if (hb != gimli_heartbeat_attach()) return 1;
  printf("%s %d\n", hb ? "attached" : "alone", GIMLI_HB_NOT_SUPP + GIMLI_HB_STARTING + GIMLI_HB_STOPPING);
  fflush(stdout);
  *(volatile int *)0 = 1;
  return 0;
}
"#;

#[test]
fn the_header_is_usable_from_c_and_cpp_and_names_its_modules() {
    let stage = Stage::new();
    let c = stage.write("user.c", USER);
    let cpp = stage.write("user.cpp", USER);
    for (compiler, standard, source, package) in
        [("cc", "-std=c11", &c, "gcc"), ("cc", "-std=gnu17", &c, "gcc"), ("c++", "-std=c++17", &cpp, "g++")]
    {
        let program = stage.path("user");
        let mut command = Command::new(compiler);
        command
            .args([standard, "-O2", "-Wall", "-Wextra", "-Werror", "-Wl,--gc-sections", "-I"])
            .arg(header_folder());
        command.arg(source).arg("-L").arg(library_folder()).arg("-lgimli");
        command.arg(format!("-Wl,-rpath,{}", library_folder().display())).arg("-o").arg(&program);
        must_run(&mut command, package);
        let bytes = std::fs::read(&program).unwrap();
        let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!(has(b"gimli_first\0") && has(b"gimli_second.so\0") && has(b"gimli_trace\0"), "{compiler}");
    }
}

#[test]
fn without_a_monitor_nothing_is_attached_and_the_fault_kills_after_the_hook() {
    use std::os::unix::process::ExitStatusExt;
    let stage = Stage::new();
    let source = stage.write("user.c", USER);
    let program = stage.path("user");
    let mut cc = Command::new("cc");
    cc.arg("-I").arg(header_folder()).arg(source).arg("-L").arg(library_folder()).arg("-lgimli");
    must_run(cc.arg(format!("-Wl,-rpath,{}", library_folder().display())).arg("-o").arg(&program), "gcc");
    // A variable left over from elsewhere: the descriptor it names is somebody's file, named or not.
    for (value, script) in [
        ("3", "exec 3<>innocent"),
        ("3", "exec 3<>unlinked; rm unlinked; echo text >&3"),
        ("77", ""),
        ("x", ""),
        ("", ""),
    ] {
        stage.write("innocent", "0123456789");
        let mut command = stage.command("sh");
        command.current_dir(stage.path("")).args(["-c", &format!("{script}\nexec ./user")]);
        command.env("GIMLI_HB_FD", value).env("GIMLI_MONITOR_PID", "1");
        let output = command.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "alone 4\n", "GIMLI_HB_FD={value}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "bye\n");
        assert_eq!(output.status.signal(), Some(11));
    }
    assert_eq!(stage.read("innocent"), "0123456789");
}

#[test]
fn a_linked_in_library_gives_threads_their_signal_stack_too() {
    let archive = library_folder().join("libgimli.a");
    for linking in [&["-O0"][..], &["-static", "-Wl,-u,__pthread_create"]] {
        let stage = Stage::new();
        let program = stage.path("crash");
        let mut cc = Command::new("cc");
        cc.args(["-std=c11", "-Wno-infinite-recursion", "-pthread", "-I"]).arg(header_folder()).args(linking);
        must_run(cc.arg(target_source("crash.c")).arg(&archive).arg("-o").arg(&program), "libc6-dev");
        let mark = stage.path("mark");
        let _monitor =
            stage.monitor(&[], &[program.as_os_str(), "overflow-thread".as_ref(), mark.as_os_str()]);
        stage.wait_out("serving");
        assert_eq!(stage.traces().len(), 1, "{linking:?}: {}", stage.read("log"));
    }
}

#[test]
fn a_rust_server_is_watched_and_traced() {
    let program = library_folder().with_file_name("examples").join("beating_server");
    for how in ["fault", "overflow", "abort"] {
        let stage = Stage::new();
        let _monitor =
            stage.monitor(&[], &[program.as_os_str(), how.as_ref(), stage.path("mark").as_os_str()]);
        stage.wait_out("serving");
        let log = stage.wait_log_times(" started", 2);
        assert_eq!(stage.traces().len(), 1, "{how}: {log}");
        assert!(stage.read("out").contains("last words"), "{how}");
    }
}

#[test]
fn threads_have_a_signal_stack_and_give_it_back_however_they_end() {
    let stage = Stage::new();
    let archive = library_folder().join("libgimli.a");
    let (folder, rpath) = (library_folder(), format!("-Wl,-rpath,{}", library_folder().display()));
    let dynamic = [folder.as_os_str(), "-lgimli".as_ref(), rpath.as_ref()];
    let fixed = [folder.as_os_str(), archive.as_os_str()];
    let whole =
        [folder.as_os_str(), archive.as_os_str(), "-static".as_ref(), "-Wl,-u,__pthread_create".as_ref()];
    for linking in [&dynamic[..], &fixed, &whole] {
        let program = stage.path("threads");
        let mut cc = Command::new("cc");
        cc.args(["-std=c11", "-Wall", "-Wextra", "-pthread", "-I"]).arg(header_folder());
        cc.arg(target_source("threads.c")).arg("-L").args(linking).arg("-o").arg(&program);
        must_run(&mut cc, "gcc");
        assert_eq!(must_run(&mut stage.command(&program), "the test itself"), "ok\n", "{linking:?}");
    }
}
