//! The JSON report, as a program sees it.

use super::{render, sample};
use crate::report::render::{Format, Style};
use crate::report::{Footer, Header, Status, Thread};
use insta::assert_snapshot;
use serde_json::{Value, json};

fn parsed(report: &(Header, Vec<Thread>, Footer), status: Status) -> Value {
    let text = render(report, status, Format::Json, Style::default());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[test]
fn the_document_has_a_line_for_each_piece() {
    let (mut header, mut threads, footer) = sample::report();
    header.process.exe = None;
    threads.remove(0);
    threads.remove(0);
    threads.push(threads[0].clone());
    let text = render(&(header, threads, footer), Status::Partial, Format::Json, Style::default());
    assert_snapshot!(text, @r#"
    {"schema_version":"1.0",
    "pid":6704,
    "process":{"exe":null,"cmdline":["/srv/faulty-app","--port","8080","--motto","it's late",""],"start_time":"2010-07-09T15:12:26Z","cwd":"/srv","uid":33,"gid":44,"was_stopped":true},
    "crash_info":{"type":"SIGSEGV","number":11,"code":"SEGV_MAPERR","address":"0x2a","address_symbol":null,"crashing_thread":0,"message":"address not mapped to object","sender_pid":null,"sender_uid":null},
    "cause":{"kind":"null_pointer","text":"`req` is NULL: `req->id` was read","location":"parse.c:90","known_by":"the instruction at 0x55d7160ec327","thread":0},
    "system_info":{"os":"Linux","os_ver":"6.1.0","cpu_arch":"amd64"},
    "thread_count":3,
    "threads":[
    {"thread_id":6790,"thread_name":"","state":"","wait_channel":"nfs_wait","system_call":null,"exceptions":[],"frame_count":0,"text_before":[],"frames":[],"truncated":null,"problem":"could not be stopped","text_after":[]},
    {"thread_id":6790,"thread_name":"","state":"","wait_channel":"nfs_wait","system_call":null,"exceptions":[],"frame_count":0,"text_before":[],"frames":[],"truncated":null,"problem":"could not be stopped","text_after":[]}
    ],
    "modules":[{"filename":"/srv/faulty-app","base_addr":"0x55d7160eb000","end_addr":"0x55d7160f0000","debug_id":"8c1fa2b3","read_from":"/proc/6704/exe","debug_info":"/srv/faulty-app","problem":null,"remedy":null},{"filename":"/lib/libfoo.so.1","base_addr":"0x7f35a0000000","end_addr":"0x7f35a0005000","debug_id":"8c1fa2b3","read_from":null,"debug_info":null,"problem":"no debug information","remedy":"--debuginfod or --debug-dir"},{"filename":"/lib/libbar.so.2","base_addr":"0x7f35b0000000","end_addr":"0x7f35b0005000","debug_id":"8c1fa2b3","read_from":null,"debug_info":null,"problem":"no debug information","remedy":"--debuginfod or --debug-dir"}],
    "plugins":[{"path":"/srv/gimli_libfoo.so","for":"/lib/libfoo.so.1","found_by":"name","door":"c","api_version":"3","status":"failed","problem":"it was ended by signal 11"}],
    "plugin_output":[{"plugin":"gimli_libfoo.so","text":"12 requests in the log\n"},{"plugin":"gimli_libfoo.so","text":"1 error\n"}],
    "problems":["thread 6790 could not be stopped"],
    "timing":{"paused_us":12034,"total_us":80500,"mode":"max_pause","copied_bytes":5242880,"phases":{"prepare_us":20000,"stop_us":1000,"registers_us":500,"copy_us":2000,"bare_us":4000,"analysis_us":57000}},
    "status":"PARTIAL"}
    "#);
}

#[test]
fn frames_and_values_have_the_names_of_the_schema() {
    let report = parsed(&sample::report(), Status::Complete);
    assert_eq!(report["schema_version"], "1.0");
    assert_eq!(report["status"], "OK");
    assert_eq!(report["crash_info"]["type"], "SIGSEGV");
    assert_eq!(report["crash_info"]["address"], "0x2a");
    assert_eq!(report["threads"][0]["truncated"], Value::Null);
    assert_eq!(
        report["threads"][1]["truncated"],
        json!({"before_frame": 2, "left_out": 4744, "limit": "--max-frames 4"})
    );
    let frame = &report["threads"][0]["frames"][0];
    assert_eq!(frame["offset"], "0x7f35ad69a1a1");
    assert_eq!(frame["trust"], "context");
    assert_eq!(frame["registers"], json!({"rip": "0x7f35ad69a1a1", "rsp": "0x7ffe5e819d00"}));
    assert_eq!(frame["file"], "/build/glibc/sysdeps/unix/sysv/linux/clock_nanosleep.c");
    let request = &report["threads"][0]["frames"][2]["variables"][0];
    assert_eq!(request["kind"], "parameter");
    assert_eq!(request["type"], "struct request *");
    assert_eq!(request["value"]["text"], "0x7ffe5e819dd0");
    let pointee = &request["value"]["pointee"];
    assert_eq!((&pointee["kind"], &pointee["address"]), (&json!("struct"), &json!("0x7ffe5e819dd0")));
    assert_eq!(
        pointee["members"][0],
        json!({"name": "id", "type": "int", "value": {"kind": "integer", "text": "42", "hex": "0x2a"}})
    );
    let again = &report["threads"][0]["frames"][2]["variables"][2]["value"];
    assert_eq!(again["pointee"], "[deref'd above]");
    assert_eq!(report["threads"][0]["frames"][3]["inlines"][1]["function"], "serve");
}

#[test]
fn a_report_without_threads_is_valid() {
    let report = parsed(&(sample::header(), vec![], Footer::default()), Status::Complete);
    assert_eq!(report["threads"], json!([]));
    assert_eq!(report["modules"], json!([]));
    assert_eq!(report["status"], "OK");
}

#[test]
fn control_characters_are_escaped_and_read_back_as_they_were() {
    let name = "\u{1b}[2J\u{9b}31m\u{202e}\u{7f} größe\n";
    let mut report = sample::report();
    report.1[0].thread_name = name.into();
    let text = render(&report, Status::Complete, Format::Json, Style::default());
    assert!(text.contains(r#""thread_name":"\u001b[2J\u009b31m\u202e\u007f größe\n""#), "{text}");
    assert_eq!(parsed(&report, Status::Complete)["threads"][0]["thread_name"], name);
}
