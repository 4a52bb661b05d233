//! Any report at all, hostile names included, renders to valid JSON and to tame text.

use super::schema::validate;
use super::{render, sample};
use crate::address::Address;
use crate::report::escape::is_hostile;
use crate::report::render::{Format, Style};
use crate::report::value::{Element, Entry, Member, Pointee, Value};
use crate::report::{
    Exception, ExceptionLanguage, ExceptionState, Footer, Frame, Header, Inline, PluginText, Signal, Status,
    Thread, Truncation, Trust, Variable, VariableKind,
};
use compact_str::CompactString;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use std::sync::Arc;

type Report = (Header, Vec<Thread>, Footer);

/// Text with what terminals, types and paths are made of, and everything else.
fn text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(
        "\u{1b}[;m\n\t\r\u{7}\u{7f}\u{9b}\u{202e}\u{2028}\u{feff}\0`'\"\\(*)&:<>{},/ 0aZé火"
            .chars()
            .collect::<Vec<_>>(),
    );
    vec(prop_oneof![4 => special, 1 => any::<char>()], 0..12)
        .prop_map(|characters| characters.into_iter().collect())
}

fn word() -> impl Strategy<Value = CompactString> {
    text().prop_map(Into::into)
}

fn shared() -> impl Strategy<Value = Arc<str>> {
    text().prop_map(Into::into)
}

fn address() -> impl Strategy<Value = Address> {
    any::<u64>().prop_map(Address)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (word(), word()).prop_map(|(text, hex)| Value::Integer { text, hex }),
        word().prop_map(|text| Value::Float { text }),
        word().prop_map(|text| Value::Bool { text }),
        word().prop_map(|text| Value::Char { text }),
        (word(), word(), word()).prop_map(|(text, number, hex)| Value::Enum { text, number, hex }),
        (text(), any::<u64>()).prop_map(|(text, length)| Value::String { text, length }),
        text().prop_map(|text| Value::Function { text }),
        Just(Value::OPTIMIZED_OUT),
        text().prop_map(Value::unreadable),
        text().prop_map(|text| Value::Redacted { text }),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let pointee = prop_oneof![
            Just(Pointee::None),
            Just(Pointee::Note("<invalid>")),
            inner.clone().prop_map(|value| Pointee::Value(Box::new(value))),
        ]
        .boxed();
        let member = (option::of(shared()), option::of(shared()), option::of(any::<u64>()), inner.clone())
            .prop_map(|(name, type_name, bits, value)| Member { name, type_name, bits, value })
            .boxed();
        let (parts, whole) = (vec(member.clone(), 0..3), inner.clone());
        let element = (any::<u64>(), any::<u64>(), inner).prop_map(|(index, repeats, value)| Element {
            index,
            repeats,
            value,
        });
        let (element, held_by) = (element.boxed(), pointee.clone());
        let held = element.clone();
        let body = (option::of(shared()), option::of(address()), vec(member, 0..4), option::of(text()));
        prop_oneof![
            (word(), option::of(text()), pointee).prop_map(|(text, symbol, pointee)| Value::Pointer {
                text,
                symbol,
                pointee
            }),
            (option::of(shared()), vec(element, 0..4), any::<u64>(), any::<u64>()).prop_map(
                |(type_name, elements, length, omitted)| Value::Array {
                    type_name,
                    elements,
                    length,
                    omitted
                }
            ),
            (body, any::<bool>()).prop_map(|((type_name, address, members, cut), union)| match union {
                true => Value::Union { largest: type_name.clone(), type_name, address, members, cut },
                false => Value::Struct { words: cut.clone(), type_name, address, members, cut },
            }),
            (text(), any::<bool>(), parts.clone(), option::of(text())).prop_map(
                |(name, tuple, members, cut)| {
                    Value::Variant { type_name: None, name, tuple, address: None, members, cut }
                }
            ),
            (any::<bool>(), vec(held.clone(), 0..4), any::<u64>(), any::<u64>()).prop_map(
                |(set, elements, length, omitted)| Value::Sequence {
                    type_name: None,
                    set,
                    elements,
                    length,
                    omitted
                }
            ),
            (vec((held.clone(), held), 0..3), any::<u64>()).prop_map(|(pairs, omitted)| {
                let entry = |(key, value): (Element, Element)| Entry { key: key.value, value: value.value };
                let entries = pairs.into_iter().map(entry).collect();
                Value::Map { type_name: None, entries, length: omitted, omitted }
            }),
            (text(), option::of(text()), held_by).prop_map(|(name, state, value)| Value::Wrapper {
                type_name: None,
                name,
                state,
                value
            }),
            text().prop_map(|text| Value::Literal { text }),
            (text(), text(), parts, any::<u64>()).prop_map(|(plugin, text, members, omitted)| {
                Value::Replaced { plugin, text, members, omitted }
            }),
            (plugin_texts(), option::of(whole), plugin_texts()).prop_map(
                |(text_before, value, text_after)| {
                    Value::Plugin { text_before, value: value.map(Box::new), text_after }
                }
            ),
        ]
    })
}

fn variable() -> impl Strategy<Value = Variable> {
    let kind = prop_oneof![Just(VariableKind::Parameter), Just(VariableKind::Local)];
    let strategies =
        (kind, shared(), option::of(shared()), option::of(address()), any::<u32>(), value(), any::<bool>());
    strategies.prop_map(|(kind, name, type_name, address, depth, value, read_while_running)| Variable {
        kind,
        name,
        type_name,
        address,
        depth,
        value,
        read_while_running,
    })
}

fn signal() -> impl Strategy<Value = Signal> {
    (
        any::<i32>(),
        [text(), text(), text(), text()],
        option::of(address()),
        option::of(text()),
        option::of(any::<i32>()),
        option::of(any::<u32>()),
    )
        .prop_map(
            |(
                number,
                [name, description, code, message],
                address,
                address_symbol,
                sender_pid,
                sender_uid,
            )| {
                Signal {
                    number,
                    name,
                    description,
                    code,
                    message,
                    address,
                    address_symbol,
                    sender_pid,
                    sender_uid,
                }
            },
        )
}

fn inline() -> impl Strategy<Value = Inline> {
    (
        any::<usize>(),
        option::of(shared()),
        option::of(shared()),
        option::of(any::<u32>()),
        vec(variable(), 0..3),
    )
        .prop_map(|(frame, function, file, line, variables)| Inline {
            frame,
            function,
            function_offset: line.map(|offset| Address(offset.into())),
            file,
            line,
            column: line,
            variables,
        })
}

fn plugin_texts() -> impl Strategy<Value = Vec<PluginText>> {
    vec((text(), text()).prop_map(|(plugin, text)| PluginText { plugin, text }), 0..2)
}

fn frame() -> impl Strategy<Value = Frame> {
    let trust =
        prop_oneof![Just(Trust::Context), Just(Trust::Cfi), Just(Trust::FramePointer), Just(Trust::Scan)];
    let place = (option::of(shared()), option::of(address()), option::of(shared()), option::of(address()));
    let source = (option::of(shared()), option::of(any::<u32>()), option::of(any::<u32>()));
    let registers = btree_map(prop::sample::select(vec!["rip", "rsp", "r15"]), address(), 0..3);
    let inside = (option::of(signal()), vec(inline(), 0..3), vec(variable(), 0..4));
    (any::<usize>(), address(), place, source, trust, registers, inside, plugin_texts(), plugin_texts())
        .prop_map(|(number, offset, place, source, trust, registers, inside, text_before, text_after)| {
            let (module, module_offset, function, function_offset) = place;
            let (file, line, column) = source;
            let (signal, inlines, variables) = inside;
            Frame {
                frame: number,
                offset,
                module,
                module_offset,
                function,
                function_offset,
                file,
                line,
                column,
                trust,
                registers: registers.into_iter().collect(),
                signal,
                inlines,
                variables,
                text_before,
                text_after,
            }
        })
}

fn thread() -> impl Strategy<Value = Thread> {
    let gap = (any::<usize>(), any::<usize>(), text())
        .prop_map(|(before_frame, left_out, limit)| Truncation { before_frame, left_out, limit });
    let names = (text(), text(), option::of(text()), option::of(text()), option::of(text()));
    let numbers = (any::<usize>(), any::<i32>(), any::<usize>(), option::of(text()));
    (numbers, names, option::of(gap), plugin_texts(), plugin_texts(), vec(frame(), 0..4)).prop_map(
        |(numbers, names, truncated, text_before, text_after, frames)| {
            let (index, thread_id, frame_count, what) = numbers;
            let (thread_name, state, wait_channel, system_call, problem) = names;
            let exception = what.map(|what| Exception {
                language: ExceptionLanguage::Rust,
                state: ExceptionState::Caught,
                type_name: Some(what.clone()),
                what: Some(what),
                address: None,
            });
            Thread {
                index,
                thread_id,
                thread_name,
                state,
                wait_channel,
                system_call,
                exceptions: exception.into_iter().collect(),
                frame_count,
                truncated,
                text_before,
                text_after,
                frames,
                problem,
            }
        },
    )
}

/// The sample's summary with hostile text in it, and anything as threads.
fn report() -> impl Strategy<Value = Report> {
    (vec(text(), 0..4), [text(), text()], vec(thread(), 0..3), vec(text(), 0..3)).prop_map(
        |(cmdline, [exe, message], threads, problems)| {
            let (mut header, mut footer) = (sample::header(), sample::footer());
            header.process.cmdline = cmdline;
            header.process.exe = Some(exe);
            if let Some(crash) = &mut header.crash_info {
                crash.message = message.clone();
            }
            if let Some(cause) = &mut header.cause {
                cause.text = message;
            }
            if let Some(module) = footer.modules.first_mut() {
                module.problem = problems.first().cloned();
            }
            footer.problems = problems;
            (header, threads, footer)
        },
    )
}

/// Lines that start at the left edge: glider's own words.
fn is_gliders_own(line: &str) -> bool {
    let own = [
        "#",
        "Thread ",
        "...",
        "Process ",
        "Executable ",
        "Started ",
        "Stopped ",
        "Running as ",
        "System ",
        "Signal ",
        "Cause ",
    ];
    let more = ["Plugin ", "Plugins:", "Threads ", "This report ", "Problems:", "Modules:", "Target held "];
    line.is_empty() || own.iter().chain(&more).any(|start| line.starts_with(start))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_report_is_valid_json_of_the_schema(report in report()) {
        let json = render(&report, Status::Partial, Format::Json, Style::default());
        prop_assert!(json.chars().all(|c| c == '\n' || !is_hostile(c)));
        prop_assert_eq!(validate(&json).err(), None);
    }

    #[test]
    fn any_report_is_text_without_control_characters(report in report(), verbose in any::<bool>()) {
        let style = Style { color: false, verbose };
        let text = render(&report, Status::Partial, Format::Text, style);
        prop_assert!(text.chars().all(|c| c == '\n' || c == '\t' || !is_hostile(c)));
        prop_assert!(text.ends_with('\n'));
        for line in text.lines().filter(|line| !line.starts_with("    ")) {
            prop_assert!(is_gliders_own(line), "at the left edge: {line:?}");
        }
        let starts = text.lines().filter(|line| line.starts_with("Thread ")).count();
        prop_assert_eq!(starts, report.1.len());
    }
}
