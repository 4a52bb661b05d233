//! The text report, as a person sees it.

use super::{render, sample};
use crate::report::render::{Format, Style, render_footer, render_thread};
use crate::report::{Footer, PluginText, Status, Thread};
use insta::assert_snapshot;

const PLAIN: Style = Style { color: false, verbose: false };

#[test]
fn a_report_with_one_of_everything() {
    let text = render(&sample::report(), Status::Partial, Format::Text, PLAIN);
    assert_snapshot!(text, @r#"
    Process 6704 /srv/faulty-app --port 8080 --motto 'it'\''s late' ''
    Executable  /srv/faulty-app (deleted)
    Started     2010-07-09T15:12:26Z
    Running as  uid 33, gid 44 in /srv
    System      Linux 6.1.0 amd64
    Stopped     already before the trace, and left so
    Signal      SIGSEGV (11) in thread 0: address not mapped to object (0x2a) [SEGV_MAPERR]
    Cause       `req` is NULL: `req->id` was read (parse.c:90)
                known by the instruction at 0x55d7160ec327
    Threads     3

        request log:
        	GET /
        	GET /x
    Thread 0 (LWP 6704) faulty-app
        t (tracing stop) in system call clock_nanosleep, kernel function hrtimer_nanosleep
        handling C++ exception std::runtime_error @ 0x55d717130f40: disk full
        unwinding for a C++ exception that was not found
    #0  0x00007f35ad69a1a1 /lib/x86_64-linux-gnu/libc.so.6`clock_nanosleep+0x41 (clock_nanosleep.c:48)
    #1  Signal 11: Segmentation fault. invalid permissions for mapped object (0x55d7160ef090, /srv/faulty-app`default_name) from pid 1, uid 0 [SEGV_ACCERR]
        about to parse
    #2  0x000055d7160ec327 /srv/faulty-app`parse_header+0x58 (parse.c:90)
        struct request * req = 0x7ffe5e819dd0 [deref'ing req]
        struct request @ 0x7ffe5e819dd0 = {
            int id = 42 (0x2a)
            char * name = 0x55d7160ef090 (/srv/faulty-app`default_name) "hello"
            unsigned int urgent:1 = 1 (0x1)
            enum mode mode = MODE_FAST 1 (0x1)
            struct request * next = nil
            int (*callback)(struct request *) = 0x55d7160ec327 (/srv/faulty-app`on_done)
            char tag[32] = "GET"
        }
        int port <optimized out>
        struct request * again = 0x7ffe5e819dd0 [deref'd above]
        char * wild = 0x2a <invalid>
        int * count = 0x7ffe5e819dc0 -> 3 (0x3)
        started = 12:00
          by hand
        so it says
        three is too many
        int retries = 3 (0x3)
        so it says
        std::vector<int> sizes = vector of 3 {
            int [0] = 5 (0x5)
            ... more members (2 left out)
        }
        Option<Request> parsed = Some(5)
        Request cut = Get {
            int 0 = 5 (0x5)
            ... more members (--max-depth 1)
        }
        HashMap<&str, u32> ages = {"ada": 36, ... 1 more}
        Rc<HashSet<u8>> seen = Rc (strong 2, weak 0): {7, ... 3 more}
        Duration waited = 1.5s
        {
            double ratio = 0.5
            bool done [read while running] = true
            {
                char letter = 97 'a'
            }
            int gone <unreadable: cannot read 4 bytes at 0x2a>
            char * password = <redacted 1f2e3d4c>
        }
        parsed

        nothing
    #3  0x000055d7160ec45c /srv/faulty-app`handle+0x1c [inlined in serve] (parse.c:105)
        int n = 5 (0x5)
    #4  0x000055d7160ec45c /srv/faulty-app`serve+0x1c [inlined in main] (parse.c:200)
    #5  0x000055d7160ec45c /srv/faulty-app`main+0x1c (main.c)
        int zeros[16] = {0 <repeats 15 times>, 7}
        long big[100] = {1, 16, 256, 4096, 65536, 1048576, 16777216, 268435456, 4294967296, 68719476736,
            1099511627776, 17592186044416, 281474976710656, 4503599627370496, 72057594037927936,
            1152921504606846976, ... 84 more (--max-array)}
        enum mode modes[1] = {5}
        struct point path[9] = {
            [0] = {
                int x = 1 (0x1)
                int y = -1 (0xffffffff)
            } <repeats 3 times>
            [3] = {
                int x = 2 (0x2)
                int y = -1 (0xffffffff)
            }
            ... 5 more (--max-array)
        }
        int grid[2][2] = {
            [0] = {1 <repeats 2 times>} <repeats 2 times>
        }
        char ** argv = 0x7ffe5e819fa8 [deref'ing argv]
        char * [4] @ 0x7ffe5e819fa8 = {
            [0] = 0x7ffe5e81a000 "faulty-app"
            [1] = 0x7ffe5e819e40 [deref'ing argv[1]]
            struct point @ 0x7ffe5e819dd0 = {} <repeats 2 times>
            [3] = nil
        }
        char *** envp = 0x10 -> 0x18 -> 0x20 "HOME=/"
        struct point ** corner = 0x10 -> 0x18 [deref'ing *corner]
        struct point @ 0x7ffe5e819dd0 = {}
        union number number = (largest: i) {
            int i = 0 (0x0)
            struct = {
                int x = 7 (0x7)
                int y = -1 (0xffffffff)
            }
            ... more members (--max-output 268435456)
        }
        struct inner inner = Signal 11: Segmentation fault. {... (--max-depth 4)}
        int none[0] = {}
        2 requests

    Thread 1 (LWP 6705) deep
        R (running)
    #0  0x000055d7160ec500 /srv/faulty-app`recurse+0x20 (main.c:12)
    #1  0x000055d7160ec500 /srv/faulty-app`recurse+0x20 (main.c:12) [found by frame pointer]
    ... 4744 frames left out (--max-frames 4) ...
    #4746 0x000055d7160ec500 /lib/libfoo.so.1`+0x1234 [found by frame pointer]
    #4747 0x000055d7160ec500 ?? [found by scanning the stack]
        problem: the stack ends in unreadable memory

    Thread 2 (LWP 6790)
        state unknown, kernel function nfs_wait
        problem: could not be stopped

    Plugin gimli_libfoo.so
        12 requests in the log
        1 error

    This report is partial. Problems:
        thread 6790 could not be stopped
        no debug information (--debuginfod or --debug-dir would bring it): /lib/libfoo.so.1, /lib/libbar.so.2

    Target held for 12.034 ms (--max-pause) of 80.500 ms: 20.000 before the stop, 1.000 stopping, 0.500 registers, 2.000 copying 5120 KiB, 57.000 analysis
    "#);
}

#[test]
fn a_report_without_threads_is_its_summary() {
    let mut header = sample::header();
    header.crash_info = None;
    header.cause = None;
    header.process.exe = header.process.cmdline.first().cloned();
    header.process.cwd = None;
    header.process.start_time = None;
    header.thread_count = 0;
    let text = render(&(header, vec![], Footer::default()), Status::Complete, Format::Text, PLAIN);
    assert_snapshot!(text, @r#"
    Process 6704 /srv/faulty-app --port 8080 --motto 'it'\''s late' ''
    Running as  uid 33, gid 44
    System      Linux 6.1.0 amd64
    Stopped     already before the trace, and left so
    Threads     0
    "#);
}

#[test]
fn a_partial_report_whose_footer_names_no_problem_says_where_they_are() {
    let mut out = Vec::new();
    render_footer(&Footer::default(), Status::Partial, Format::Text, PLAIN, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text, "\nThis report is partial; the problems stand with the threads.\n");
}

#[test]
fn verbose_adds_whole_paths_modules_and_durations() {
    let style = Style { verbose: true, ..PLAIN };
    let (_, threads, footer) = sample::report();
    let mut out = Vec::new();
    render_thread(&threads[0], true, Format::Text, style, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.contains("clock_nanosleep+0x41 (/build/glibc/sysdeps/unix/sysv/linux/clock_nanosleep.c:48)"),
        "{text}"
    );

    let mut out = Vec::new();
    render_footer(&footer, Status::Complete, Format::Text, style, &mut out);
    assert_snapshot!(String::from_utf8(out).unwrap(), @r#"

    Plugin gimli_libfoo.so
        12 requests in the log
        1 error

    Problems:
        thread 6790 could not be stopped
        no debug information (--debuginfod or --debug-dir would bring it): /lib/libfoo.so.1, /lib/libbar.so.2

    Modules:
        0x000055d7160eb000-0x000055d7160f0000 /srv/faulty-app, build-id 8c1fa2b3, read from /proc/6704/exe, debug information in /srv/faulty-app
        0x00007f35a0000000-0x00007f35a0005000 /lib/libfoo.so.1, build-id 8c1fa2b3
        0x00007f35b0000000-0x00007f35b0005000 /lib/libbar.so.2, build-id 8c1fa2b3

    Plugins:
        /srv/gimli_libfoo.so for /lib/libfoo.so.1: failed, interface version 3

    Target held for 12.034 ms (--max-pause) of 80.500 ms: 20.000 before the stop, 1.000 stopping, 0.500 registers, 2.000 copying 5120 KiB, 57.000 analysis
    "#);
}

#[test]
fn colours_add_escape_sequences_and_change_nothing_else() {
    let report = sample::report();
    let plain = render(&report, Status::Partial, Format::Text, PLAIN);
    let coloured = render(&report, Status::Partial, Format::Text, Style { color: true, ..PLAIN });
    assert!(!plain.contains('\u{1b}'));
    assert!(coloured.contains("\u{1b}[1m\u{1b}[31mSignal 11: Segmentation fault.\u{1b}[0m"), "{coloured:?}");
    assert!(coloured.contains("`\u{1b}[33mparse_header\u{1b}[0m+0x58"), "{coloured:?}");

    let mut stripped = String::new();
    for part in coloured.split('\u{1b}') {
        stripped.push_str(match part.strip_prefix('[').and_then(|sequence| sequence.split_once('m')) {
            Some((_, after)) => after,
            None => part,
        });
    }
    assert_eq!(stripped, plain);
}

#[test]
fn a_plugin_cannot_pass_for_a_frame_nor_reach_the_terminal() {
    let text = "#9  0x0000000000000000 /bin/sh`main\r\nThread 7 (LWP 1) x\n\u{1b}]0;owned\u{7}";
    let thread = Thread {
        thread_name: "a\nThread 8 (LWP 2) b".into(),
        text_before: vec![PluginText { plugin: "p".into(), text: text.into() }],
        ..Thread::default()
    };
    let mut out = Vec::new();
    render_thread(&thread, true, Format::Text, PLAIN, &mut out);
    assert_snapshot!(String::from_utf8(out).unwrap(), @r#"

        #9  0x0000000000000000 /bin/sh`main
        Thread 7 (LWP 1) x
        \x1b]0;owned\x07
    Thread 0 (LWP 0) a\nThread 8 (LWP 2) b
    "#);
}
