//! A report with one of everything, made by hand: the crash of a small server.

use crate::address::Address;
use crate::report::value::{Element, Entry, Member, Pointee, Value};
use crate::report::{
    Cause, CauseKind, CrashInfo, Door, Exception, ExceptionLanguage, ExceptionState, Footer, FoundBy, Frame,
    Header, Inline, Module, PauseMode, Phases, Plugin, PluginStatus, PluginText, Process, RegisterValues,
    Signal, SystemInfo, Thread, Timing, Truncation, Trust, Variable, VariableKind,
};
use compact_str::format_compact;

const APP: &str = "/srv/faulty-app";

/// The report.
pub(super) fn report() -> (Header, Vec<Thread>, Footer) {
    (header(), vec![crashed_thread(), deep_thread(), lost_thread()], footer())
}

pub(super) fn header() -> Header {
    Header {
        pid: 6704,
        process: Process {
            exe: Some("/srv/faulty-app (deleted)".into()),
            cmdline: ["/srv/faulty-app", "--port", "8080", "--motto", "it's late", ""].map(Into::into).into(),
            start_time: Some("2010-07-09T15:12:26Z".into()),
            cwd: Some("/srv".into()),
            uid: 33,
            gid: 44,
            was_stopped: true,
        },
        crash_info: Some(CrashInfo {
            signal_name: "SIGSEGV".into(),
            number: 11,
            code: "SEGV_MAPERR".into(),
            address: Some(Address(0x2a)),
            address_symbol: None,
            crashing_thread: Some(0),
            message: "address not mapped to object".into(),
            sender_pid: None,
            sender_uid: None,
        }),
        cause: Some(Cause {
            kind: CauseKind::NullPointer,
            text: "`req` is NULL: `req->id` was read".into(),
            location: Some("parse.c:90".into()),
            known_by: "the instruction at 0x55d7160ec327".into(),
            thread: 0,
        }),
        system_info: SystemInfo { os: "Linux".into(), os_ver: "6.1.0".into(), cpu_arch: "amd64".into() },
        thread_count: 3,
    }
}

pub(super) fn footer() -> Footer {
    let module = |filename: &str, base: u64, problem: Option<&str>| Module {
        filename: filename.into(),
        base_addr: Address(base),
        end_addr: Address(base + 0x5000),
        debug_id: Some("8c1fa2b3".into()),
        read_from: problem.is_none().then(|| "/proc/6704/exe".to_owned()),
        debug_info: problem.is_none().then(|| filename.to_owned()),
        problem: problem.map(Into::into),
        remedy: problem.map(|_| "--debuginfod or --debug-dir".to_owned()),
    };
    Footer {
        modules: vec![
            module(APP, 0x55d7_160e_b000, None),
            module("/lib/libfoo.so.1", 0x7f35_a000_0000, Some("no debug information")),
            module("/lib/libbar.so.2", 0x7f35_b000_0000, Some("no debug information")),
        ],
        plugins: vec![Plugin {
            path: "/srv/gimli_libfoo.so".into(),
            object: "/lib/libfoo.so.1".into(),
            found_by: FoundBy::Name,
            door: Some(Door::C),
            api_version: Some("3".into()),
            status: PluginStatus::Failed,
            problem: Some("it was ended by signal 11".into()),
        }],
        plugin_output: vec![said("12 requests in the log\n"), said("1 error\n")],
        plugin_calls: vec![],
        problems: vec!["thread 6790 could not be stopped".into()],
        variables_left_out: false,
        timing: Timing {
            paused_us: 12_034,
            total_us: 80_500,
            mode: PauseMode::MaxPause,
            copied_bytes: 5 << 20,
            phases: Phases {
                prepare_us: 20_000,
                stop_us: 1_000,
                registers_us: 500,
                copy_us: 2_000,
                bare_us: 4_000,
                analysis_us: 57_000,
            },
        },
    }
}

fn crashed_thread() -> Thread {
    Thread {
        index: 0,
        thread_id: 6704,
        thread_name: "faulty-app".into(),
        state: "t (tracing stop)".into(),
        wait_channel: Some("hrtimer_nanosleep".into()),
        system_call: Some("clock_nanosleep".into()),
        exceptions: vec![
            Exception {
                language: ExceptionLanguage::Cpp,
                state: ExceptionState::Caught,
                type_name: Some("std::runtime_error".into()),
                what: Some("disk full".into()),
                address: Some(Address(0x55d7_1713_0f40)),
            },
            Exception {
                language: ExceptionLanguage::Cpp,
                state: ExceptionState::Thrown,
                type_name: None,
                what: None,
                address: None,
            },
        ],
        frame_count: 4,
        text_before: vec![said("request log:\n\tGET /\n\tGET /x\n")],
        text_after: vec![said("2 requests")],
        frames: vec![library_frame(), signal_frame(), parser_frame(), main_frame()],
        ..Thread::default()
    }
}

/// Frames left out, guessed frames, frames nothing is known of.
fn deep_thread() -> Thread {
    let plain = |number: usize, trust: Trust| frame(number, 0x55d7_160e_c500, "recurse", 0x20, trust);
    let unknown = |number: usize, module: Option<&str>, trust: Trust| Frame {
        function: None,
        function_offset: None,
        file: None,
        line: None,
        module: module.map(Into::into),
        module_offset: Some(Address(0x1234)),
        ..plain(number, trust)
    };
    Thread {
        index: 1,
        thread_id: 6705,
        thread_name: "deep".into(),
        state: "R (running)".into(),
        frame_count: 4748,
        truncated: Some(Truncation { before_frame: 2, left_out: 4744, limit: "--max-frames 4".into() }),
        frames: vec![
            plain(0, Trust::Context),
            plain(1, Trust::FramePointer),
            unknown(4746, Some("/lib/libfoo.so.1"), Trust::FramePointer),
            unknown(4747, None, Trust::Scan),
        ],
        problem: Some("the stack ends in unreadable memory".into()),
        ..Thread::default()
    }
}

fn lost_thread() -> Thread {
    Thread {
        index: 2,
        thread_id: 6790,
        wait_channel: Some("nfs_wait".into()),
        problem: Some("could not be stopped".into()),
        ..Thread::default()
    }
}

fn library_frame() -> Frame {
    Frame {
        module: Some("/lib/x86_64-linux-gnu/libc.so.6".into()),
        file: Some("/build/glibc/sysdeps/unix/sysv/linux/clock_nanosleep.c".into()),
        line: Some(48),
        column: Some(7),
        registers: RegisterValues::from_iter([
            ("rip", Address(0x7f35_ad69_a1a1)),
            ("rsp", Address(0x7ffe_5e81_9d00)),
        ]),
        ..frame(0, 0x7f35_ad69_a1a1, "clock_nanosleep", 0x41, Trust::Context)
    }
}

fn signal_frame() -> Frame {
    Frame {
        signal: Some(Signal {
            number: 11,
            name: "SIGSEGV".into(),
            description: "Segmentation fault".into(),
            code: "SEGV_ACCERR".into(),
            message: "invalid permissions for mapped object".into(),
            address: Some(Address(0x55d7_160e_f090)),
            address_symbol: Some("/srv/faulty-app`default_name".into()),
            sender_pid: Some(1),
            sender_uid: Some(0),
        }),
        ..frame(1, 0x7f35_ad60_0000, "__restore_rt", 0, Trust::Cfi)
    }
}

fn parser_frame() -> Frame {
    let request = structure(
        "struct request",
        vec![
            member("int", "id", integer(42)),
            member("char *", "name", pointer(0x55d7_160e_f090, Some("default_name"), string("hello"))),
            Member { bits: Some(1), ..member("unsigned int", "urgent", integer(1)) },
            member("enum mode", "mode", enumerator("MODE_FAST", 1)),
            member("struct request *", "next", nil()),
            member(
                "int (*)(struct request *)",
                "callback",
                pointer(0x55d7_160e_c327, Some("on_done"), Value::Function { text: "on_done".into() }),
            ),
            member("char [32]", "tag", string("GET")),
        ],
    );
    Frame {
        file: Some("/home/u/src/parse.c".into()),
        line: Some(90),
        text_before: vec![said("about to parse\n")],
        text_after: vec![said("parsed\n\nnothing")],
        variables: vec![
            parameter("struct request *", "req", pointer(0x7ffe_5e81_9dd0, None, request)),
            parameter("int", "port", Value::OPTIMIZED_OUT),
            local(0, "struct request *", "again", noted(0x7ffe_5e81_9dd0, "[deref'd above]")),
            local(0, "char *", "wild", noted(0x2a, "<invalid>")),
            local(0, "int *", "count", pointer(0x7ffe_5e81_9dc0, None, integer(3))),
            local(0, "struct clock", "started", printed(vec![said("started = 12:00\n  by hand\n")], None)),
            local(0, "int", "retries", printed(vec![said("three is too many\n")], Some(integer(3)))),
            local(
                0,
                "std::vector<int>",
                "sizes",
                replaced("vector of 3", vec![member("int", "[0]", integer(5))]),
            ),
            local(0, "Option<Request>", "parsed", variant("Some", true, None)),
            local(0, "Request", "cut", variant("Get", false, Some("--max-depth 1".into()))),
            local(
                0,
                "HashMap<&str, u32>",
                "ages",
                Value::Map {
                    type_name: Some("HashMap<&str, u32>".into()),
                    entries: vec![Entry { key: string("ada"), value: integer(36) }],
                    length: 2,
                    omitted: 1,
                },
            ),
            local(
                0,
                "Rc<HashSet<u8>>",
                "seen",
                Value::Wrapper {
                    type_name: Some("Rc<HashSet<u8>>".into()),
                    name: "Rc".into(),
                    state: Some("strong 2, weak 0".into()),
                    value: Pointee::Value(Box::new(Value::Sequence {
                        type_name: Some("HashSet<u8>".into()),
                        set: true,
                        elements: vec![Element { index: 0, repeats: 1, value: integer(7) }],
                        length: 4,
                        omitted: 3,
                    })),
                },
            ),
            local(0, "Duration", "waited", Value::Literal { text: "1.5s".into() }),
            local(1, "double", "ratio", Value::Float { text: "0.5".into() }),
            Variable {
                read_while_running: true,
                ..local(1, "bool", "done", Value::Bool { text: "true".into() })
            },
            local(3, "char", "letter", Value::Char { text: "97 'a'".into() }),
            local(1, "int", "gone", Value::unreadable("cannot read 4 bytes at 0x2a")),
            local(1, "char *", "password", Value::Redacted { text: "<redacted 1f2e3d4c>".into() }),
        ],
        ..frame(2, 0x55d7_160e_c327, "parse_header", 0x58, Trust::Cfi)
    }
}

/// Two calls inlined into each other, and arrays of every sort.
fn main_frame() -> Frame {
    let inline = |number: usize, function: &str, line: u32, variables: Vec<Variable>| Inline {
        frame: number,
        function: Some(function.into()),
        function_offset: Some(Address(0x1c)),
        file: Some("parse.c".into()),
        line: Some(line),
        column: Some(3),
        variables,
    };
    let point = |x: i64| {
        let members = vec![member("int", "x", integer(x)), member("int", "y", integer(-1))];
        Value::Struct {
            type_name: Some("struct point".into()),
            words: None,
            address: None,
            members,
            cut: None,
        }
    };
    let number = Value::Union {
        type_name: Some("union number".into()),
        address: Some(Address(0x7ffe_5e81_9e00)),
        largest: Some("i".into()),
        members: vec![
            member("int", "i", integer(0)),
            Member { name: None, type_name: None, bits: None, value: point(7) },
        ],
        cut: Some("--max-output 268435456".into()),
    };
    let cut = Value::Struct {
        type_name: Some("struct inner".into()),
        words: Some("Signal 11: Segmentation fault.".into()),
        address: None,
        members: vec![],
        cut: Some("--max-depth 4".into()),
    };
    let arguments = array(
        "char * [4]",
        vec![
            run(0, 1, pointer(0x7ffe_5e81_a000, None, string("faulty-app"))),
            run(1, 2, pointer(0x7ffe_5e81_9e40, None, structure("struct point", vec![]))),
            run(3, 1, nil()),
        ],
        0,
    );
    Frame {
        line: None,
        inlines: vec![
            inline(3, "handle", 105, vec![parameter("int", "n", integer(5))]),
            inline(4, "serve", 200, vec![]),
        ],
        variables: vec![
            local(
                0,
                "int [16]",
                "zeros",
                array("int [16]", vec![run(0, 15, integer(0)), run(15, 1, integer(7))], 0),
            ),
            local(
                0,
                "long [100]",
                "big",
                array("long [100]", (0..16).map(|i| run(i, 1, integer(1 << (4 * i)))).collect(), 84),
            ),
            local(
                0,
                "enum mode [1]",
                "modes",
                array("enum mode [1]", vec![run(0, 1, enumerator("5", 5))], 0),
            ),
            local(
                0,
                "struct point [9]",
                "path",
                array("struct point [9]", vec![run(0, 3, point(1)), run(3, 1, point(2))], 5),
            ),
            local(
                0,
                "int [2][2]",
                "grid",
                array("int [2][2]", vec![run(0, 2, array("int [2]", vec![run(0, 2, integer(1))], 0))], 0),
            ),
            local(0, "char **", "argv", pointer(0x7ffe_5e81_9fa8, None, arguments)),
            local(
                0,
                "char ***",
                "envp",
                pointer(0x10, None, pointer(0x18, None, pointer(0x20, None, string("HOME=/")))),
            ),
            local(
                0,
                "struct point **",
                "corner",
                pointer(0x10, None, pointer(0x18, None, structure("struct point", vec![]))),
            ),
            local(0, "union number", "number", number),
            local(0, "struct inner", "inner", cut),
            local(0, "int [0]", "none", array("int [0]", vec![], 0)),
        ],
        ..frame(5, 0x55d7_160e_c45c, "main", 0x1c, Trust::Cfi)
    }
}

fn frame(number: usize, pc: u64, function: &str, offset: u64, trust: Trust) -> Frame {
    Frame {
        frame: number,
        offset: Address(pc),
        module: Some(APP.into()),
        module_offset: Some(Address(pc & 0xffff)),
        function: Some(function.into()),
        function_offset: Some(Address(offset)),
        file: Some("main.c".into()),
        line: Some(12),
        column: None,
        trust,
        registers: RegisterValues::default(),
        signal: None,
        inlines: vec![],
        variables: vec![],
        text_before: vec![],
        text_after: vec![],
    }
}

fn said(text: &str) -> PluginText {
    PluginText { plugin: "gimli_libfoo.so".into(), text: text.into() }
}

/// What a plugin printed before a value, or in its place.
fn printed(text_before: Vec<PluginText>, value: Option<Value>) -> Value {
    Value::Plugin { text_before, value: value.map(Box::new), text_after: vec![said("so it says")] }
}

fn variant(name: &str, tuple: bool, cut: Option<String>) -> Value {
    Value::Variant {
        type_name: Some("Option<Request>".into()),
        name: name.into(),
        tuple,
        address: Some(Address(0x7ffe_5e81_9d00)),
        members: vec![member("int", "0", integer(5))],
        cut,
    }
}

fn replaced(text: &str, members: Vec<Member>) -> Value {
    Value::Replaced { plugin: "gimli_libfoo.so".into(), text: text.into(), members, omitted: 2 }
}

fn parameter(type_name: &str, name: &str, value: Value) -> Variable {
    Variable { kind: VariableKind::Parameter, ..local(0, type_name, name, value) }
}

fn local(depth: u32, type_name: &str, name: &str, value: Value) -> Variable {
    Variable {
        kind: VariableKind::Local,
        name: name.into(),
        type_name: Some(type_name.into()),
        address: Some(Address(0x7ffe_5e81_9d10)),
        depth,
        value,
        read_while_running: false,
    }
}

fn member(type_name: &str, name: &str, value: Value) -> Member {
    Member { name: Some(name.into()), type_name: Some(type_name.into()), bits: None, value }
}

fn structure(type_name: &str, members: Vec<Member>) -> Value {
    let address = Some(Address(0x7ffe_5e81_9dd0));
    Value::Struct { type_name: Some(type_name.into()), words: None, address, members, cut: None }
}

fn array(type_name: &str, elements: Vec<Element>, omitted: u64) -> Value {
    let length = elements.iter().map(|element| element.repeats).sum::<u64>() + omitted;
    Value::Array { type_name: Some(type_name.into()), elements, length, omitted }
}

fn run(index: u64, repeats: u64, value: Value) -> Element {
    Element { index, repeats, value }
}

fn integer(value: i64) -> Value {
    let hex =
        i32::try_from(value).map_or(format_compact!("{value:#x}"), |value| format_compact!("{value:#x}"));
    Value::Integer { text: format_compact!("{value}"), hex }
}

fn enumerator(text: &str, value: i64) -> Value {
    Value::Enum { text: text.into(), number: format_compact!("{value}"), hex: format_compact!("{value:#x}") }
}

fn string(text: &str) -> Value {
    Value::String { text: format!("{text:?}"), length: text.len() as u64 }
}

fn nil() -> Value {
    Value::Pointer { text: "nil".into(), symbol: None, pointee: Pointee::None }
}

fn pointer(address: u64, symbol: Option<&str>, pointee: Value) -> Value {
    let symbol = symbol.map(|symbol| format!("{APP}`{symbol}"));
    Value::Pointer {
        text: format_compact!("{address:#x}"),
        symbol,
        pointee: Pointee::Value(Box::new(pointee)),
    }
}

fn noted(address: u64, note: &'static str) -> Value {
    Value::Pointer { text: format_compact!("{address:#x}"), symbol: None, pointee: Pointee::Note(note) }
}
