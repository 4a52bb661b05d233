//! What an analyzer asks of its host, answered by a made-up process.

use crate::made_up::{MadeUp, OBJECT, THREAD, frame, type_info, variable};
use gimli_plugin_api::{
    Address, ErrorKind, FrameIndex, Host, MAX_DEREFERENCES, Size, ThreadId, TypeId, TypeKind, plain_struct,
};

/// 0x1000: 42; 0x1008: pointer to 0x1018; 0x1010: pointer to nowhere; 0x1018: "hello"; 0x1020: letters without end.
fn process() -> MadeUp {
    let mut memory = 42u64.to_le_bytes().to_vec();
    memory.extend(0x1018u64.to_le_bytes());
    memory.extend(0xdead_0000u64.to_le_bytes());
    memory.extend(b"hello\0\0\0");
    memory.extend(std::iter::repeat_n(b'x', 1000));
    MadeUp::new(&memory).symbol("my_int", 0x1000).symbol("my_str_ptr", 0x1008).symbol("lost_ptr", 0x1010)
}

plain_struct! {
    struct Pair {
        number: u32,
        padded: u8,
        pointer: Address,
    }
}

#[test]
fn globals_are_read_by_name_through_pointers() {
    let process = process();
    let host = Host::from_services(&process);
    assert_eq!(host.read_global::<u32>(host.object(), "my_int", 0), Ok(42));
    assert_eq!(host.read_global::<i64>(None, "my_int", 0), Ok(42));
    assert_eq!(host.read_global_string(host.object(), "my_str_ptr").as_deref(), Ok("hello"));
    assert_eq!(host.read_global::<[u8; 5]>(OBJECT, "my_str_ptr", 1), Ok(*b"hello"));
    assert_eq!(host.global_address(None, "my_str_ptr", 1), Ok(Address(0x1018)));
}

#[test]
fn what_cannot_be_read_says_what_and_where() {
    let process = process();
    let host = Host::from_services(&process);
    let lost = host.read_global::<u32>(None, "lost_ptr", 1).unwrap_err();
    assert_eq!((lost.kind(), lost.message()), (ErrorKind::UNREADABLE, "cannot read 4 bytes at 0xdead0000"));
    let none = host.read_global::<u32>("libother.so", "my_int", 0).unwrap_err();
    assert_eq!((none.kind(), none.message()), (ErrorKind::NOT_FOUND, "no symbol my_int in libother.so"));
    let none = host.read_global::<u32>(None, "my_float", 0).unwrap_err();
    assert_eq!(none.message(), "no symbol my_float in any object");
    let deep = host.read_global::<u32>(None, "my_int", MAX_DEREFERENCES + 1).unwrap_err();
    assert_eq!(deep.kind(), ErrorKind::INVALID);
}

#[test]
fn reads_at_the_end_of_memory_are_short() {
    let process = process();
    let host = Host::from_services(&process);
    let end = Address(0x1000 + process.memory.len() as u64);
    let mut buffer = [0; 16];
    assert_eq!(host.read_memory(end.checked_sub(5).unwrap(), &mut buffer), 5);
    assert_eq!(host.read_memory(end, &mut buffer), 0);
    assert_eq!(host.read_memory(Address(u64::MAX), &mut buffer), 0);
    assert!(host.read_exact(end.checked_sub(5).unwrap(), &mut buffer).is_err());
    assert!(host.read_exact(end.checked_sub(5).unwrap(), &mut buffer[..5]).is_ok());
}

#[test]
fn strings_end_at_the_nul_at_the_limit_or_with_memory() {
    let process = process();
    let host = Host::from_services(&process);
    assert_eq!(host.read_c_string(Address(0x1018), Size(100)).unwrap(), b"hello");
    assert_eq!(host.read_c_string(Address(0x1018), Size(3)).unwrap(), b"hel");
    assert_eq!(host.read_c_string(Address(0x1018), Size(0)).unwrap(), b"");
    assert_eq!(host.read_c_string(Address(0x1020), Size(600)).unwrap().len(), 600);
    let endless = host.read_c_string(Address(0x1020), Size(5000)).unwrap_err();
    assert_eq!(endless.message(), "the string at 0x1020 has no end: memory ends after 1000 bytes");
    assert!(host.read_c_string(Address(u64::MAX), Size(5)).is_err());
    assert!(host.read_c_string(Address::NULL, Size(5)).is_err());
}

#[test]
fn structures_are_read_whole() {
    let process = process();
    let host = Host::from_services(&process);
    let pair: Pair = host.read(Address(0x1000)).unwrap();
    assert_eq!((pair.number, pair.padded, pair.pointer), (42, 0, Address(0x1018)));
    assert_eq!(host.read_pointer(Address(0x1008)), Ok(Address(0x1018)));
}

#[test]
fn variables_and_registers_are_found_by_name() {
    let mut process = process();
    process.variables = vec![variable("argc"), variable("i"), variable("i")];
    process.variables[2].depth = 1;
    let host = Host::from_services(&process);
    let main = frame(0, "main");
    assert_eq!(host.variable(&main, "argc").unwrap().number(), Some(42));
    assert_eq!(host.variable(&main, "i").unwrap().depth, 1, "the inner block's");
    assert_eq!(host.variable(&main, "argv").unwrap_err().message(), "no variable argv in main");
    assert_eq!(host.register(&main, "rip"), Some(0x1000));
    assert_eq!(host.register(&main, "rax"), None);
    assert_eq!(host.frames(THREAD).unwrap()[0].index, FrameIndex(0));
    assert_eq!(host.frames(ThreadId(1)).unwrap_err().message(), "no thread 1");
    assert_eq!(host.current_thread(), Some(THREAD));
}

#[test]
fn names_stand_for_types_but_not_for_ever() {
    let mut process = process();
    process.types = vec![
        type_info(1, "int", TypeKind::SIGNED, None),
        type_info(2, "const int", TypeKind::CONST, Some(1)),
        type_info(3, "count_t", TypeKind::TYPEDEF, Some(2)),
        type_info(4, "circle", TypeKind::TYPEDEF, Some(4)),
        type_info(5, "nothing", TypeKind::TYPEDEF, None),
    ];
    let host = Host::from_services(&process);
    let count = host.find_type(None, "count_t").unwrap();
    assert_eq!(host.resolve_type(count).unwrap().name, "int");
    for name in ["circle", "nothing"] {
        let error = host.resolve_type(host.find_type(None, name).unwrap()).unwrap_err();
        assert_eq!(error.message(), format!("type {name} stands for nothing known"));
    }
    assert_eq!(host.type_info(TypeId(9)).unwrap_err().message(), "no type number 9");
    assert_eq!(host.format_value("x", count, Address(0x1000)).unwrap(), "x at 0x1000");
}

#[test]
fn text_is_printed_until_the_limit() {
    let mut process = process();
    process.output_limit = 10;
    let host = Host::from_services(&process);
    assert_eq!(writeln!(host, "{} bytes", 8), Ok(()));
    assert_eq!(host.print("too much").unwrap_err().kind(), ErrorKind::LIMIT);
    assert_eq!(process.printed(), "8 bytes\n");
}

#[test]
fn addresses_print_as_the_report_prints_them() {
    let process = process();
    let host = Host::from_services(&process);
    assert_eq!(host.name_of(Address(0x1010)).unwrap().to_string(), "/srv/made-up+0x10");
    assert_eq!(host.name_of(Address(0)), None);
    assert_eq!(host.source_of(Address(0x1000)).unwrap().to_string(), "made_up.c:7");
    assert_eq!(host.thread_local(THREAD, None, "errno").unwrap_err().kind(), ErrorKind::NO_INFORMATION);
    assert!(host.objects()[0].contains(Address(0x1000)) && host.objects()[0].name() == "made-up");
}

#[test]
fn what_an_older_glider_cannot_tell_is_said() {
    // It was made for 1.0, and has none of the methods that came later.
    let process = process();
    let host = Host::from_services(&process);
    let lacking = host.template_arguments(TypeId(1)).unwrap_err();
    assert_eq!(lacking.kind(), ErrorKind::NO_INFORMATION);
    assert_eq!(lacking.message(), "this glider cannot tell the arguments of templates");
    assert_eq!(host.thread_local(THREAD, None, "errno").unwrap_err().kind(), ErrorKind::NO_INFORMATION);
}
