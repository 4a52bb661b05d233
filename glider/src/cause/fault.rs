//! What a faulting instruction did, and with which variable.

use super::expression::{Named, name_memory, name_register};
use super::listing::dwarf_number;
use super::overflow::{self, mapping_at};
use super::site::{Site, Sites};
use super::{CauseKind, Finding};
use crate::address::Address;
use crate::target::siginfo::SignalInfo;
use iced_x86::{FlowControl, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register, UsedMemory};

/// Addresses below this one are never mapped (`vm.mmap_min_addr`): what leads there is a null
/// pointer with an offset.
const NULL_LIMIT: u64 = 0x1_0000;

/// What the signal says of the frame that it interrupted.
pub(super) fn explain(sites: &Sites<'_, '_, '_>, frame: usize, signal: &SignalInfo) -> Option<Finding> {
    match signal.number {
        libc::SIGSEGV => called(sites, frame, signal)
            .or_else(|| overflow::explain(sites, frame, signal.address?))
            .or_else(|| bad_return(sites, frame, signal))
            .or_else(|| access(sites, frame, signal)),
        libc::SIGBUS => beyond_file(sites, signal),
        libc::SIGFPE => division(sites, frame),
        libc::SIGILL | libc::SIGTRAP => trap(sites, frame),
        _ => None,
    }
}

/// A call to where there is no code: the pc itself is the bad address.
fn called(sites: &Sites<'_, '_, '_>, frame: usize, signal: &SignalInfo) -> Option<Finding> {
    let pc = sites.frame(frame)?.pc()?;
    let is_fetch = signal.address == Some(pc) || signal.address.is_none() && !is_canonical(pc.0);
    if !is_fetch {
        return None;
    }
    let kind = if pc.0 < NULL_LIMIT { CauseKind::NullPointer } else { CauseKind::BadPointer };
    let there = describe(sites, pc.0);
    let by_pc = format!("the program counter, which is {pc} itself");
    let plain = || Finding::new(kind, format!("a call or jump to {pc}, {there}"), &*by_pc);
    let caller = frame + 1;
    let named = sites.code(caller).and_then(|site| {
        let call = site.here.checked_sub(1)?;
        let instruction = site.listing.get(call)?;
        (instruction.flow_control() == FlowControl::IndirectCall).then_some(())?;
        operand(sites, caller, &site, call, sites.arch().word())
    });
    let Some(named) = named.filter(|named| named.value == pc.0) else { return Some(plain()) };
    let text = format!("{} is {}: it was called", whole_name(sites, caller, &named), bad(&named, &there));
    Some(Finding::new(kind, text, format!("{by_pc}, and the call instruction, which took it from there")))
}

/// A pointer that leads nowhere, or to where this may not be done.
fn access(sites: &Sites<'_, '_, '_>, frame: usize, signal: &SignalInfo) -> Option<Finding> {
    let site = sites.code(frame)?;
    let instruction = site.listing.get(site.here)?;
    let registers = &sites.frame(frame)?.registers;
    let value = |register: Register| match register {
        Register::None | Register::ES | Register::CS | Register::SS | Register::DS => Some(0),
        _ => registers.get(dwarf_number(sites.arch(), register)?),
    };
    let mut factory = InstructionInfoFactory::new();
    let used = factory.info(instruction).used_memory();
    let operand = used.iter().find(|used| is_at_fault(used, signal.address, &value))?;
    let (base, index) = (value(operand.base())?, value(operand.index()).unwrap_or(0));
    // Of base and index with scale 1 either may be the pointer: the small one is no pointer
    // unless it is the base.
    let is_null = operand.base() != Register::None && base < NULL_LIMIT && index < NULL_LIMIT;
    let reached = signal.address.map_or(base, |address| address.0);
    let offset = sites.arch().cut(reached.wrapping_sub(base));
    let kind = if is_null { CauseKind::NullPointer } else { CauseKind::BadPointer };
    let name = register_name(operand.base());
    let did = verb(operand.access());
    let size = operand.memory_size().size();
    let at = sites.frame(frame)?.pc()?;
    let bytes = if size == 1 { "1 byte".to_owned() } else { format!("{size} bytes") };
    let known_by =
        format!("the instruction at {at}: it {did} {bytes} at {name} + {offset:#x}, {name} is {base:#x}");

    let named = name_register(sites, frame, &site, operand.base(), site.here);
    if let Some(named) = named.filter(|named| named.value == base) {
        let there = describe(sites, reached);
        let member = named.member(sites.stacks.process.types, offset).filter(|_| named.frame == frame);
        let object = match member {
            Some((member, _)) => format!("`{member}`"),
            None => format!("{bytes} at {offset:#x} from it"),
        };
        let by = sites.function(frame).filter(|_| named.frame != frame);
        let by = by.map(|function| format!(" by `{function}`")).unwrap_or_default();
        let was = if object.starts_with('`') { "was" } else { "were" };
        let name = whole_name(sites, frame, &named);
        let text =
            format!("{name} is {}: {object} {was} {}{by}", bad(&named, &there), past(operand.access()));
        return Some(Finding::new(kind, text, format!("{known_by} and came from {name}")));
    }
    let text = match base {
        0 => {
            format!("a null pointer was used: {bytes} at {offset:#x} from it were {}", past(operand.access()))
        }
        _ => format!("a pointer that is nearly null ({base:#x}) was used"),
    };
    is_null.then(|| Finding::new(kind, format!("{text}; what it is called is not known"), known_by))
}

/// What the operand of an instruction with one operand holds, `size` bytes of it.
fn operand(sites: &Sites<'_, '_, '_>, frame: usize, site: &Site, index: usize, size: u64) -> Option<Named> {
    let instruction = site.listing.get(index)?;
    match instruction.op0_kind() {
        OpKind::Register => name_register(sites, frame, site, instruction.op0_register(), index),
        OpKind::Memory => name_memory(sites, frame, site, index, size),
        _ => None,
    }
}

/// A name with the function that calls it so, where that is not the one of the frame.
fn whole_name(sites: &Sites<'_, '_, '_>, frame: usize, named: &Named) -> String {
    match sites.function(named.frame).filter(|_| named.frame != frame) {
        Some(function) => format!("`{}` of `{function}`", named.text),
        None => format!("`{}`", named.text),
    }
}

/// A division whose quotient does not exist.
fn division(sites: &Sites<'_, '_, '_>, frame: usize) -> Option<Finding> {
    let site = sites.code(frame)?;
    let instruction = site.listing.get(site.here)?;
    matches!(instruction.mnemonic(), Mnemonic::Div | Mnemonic::Idiv).then_some(())?;
    let registers = &sites.frame(frame)?.registers;
    let size = match instruction.op0_kind() {
        OpKind::Register => instruction.op0_register().size(),
        _ => instruction.memory_size().size(),
    };
    let mask = u64::MAX.checked_shr(64 - 8 * u32::try_from(size).ok()?)?;
    let named = operand(sites, frame, &site, site.here, size as u64);
    let raw = match instruction.op0_kind() {
        OpKind::Register => registers.get(dwarf_number(sites.arch(), instruction.op0_register())?),
        _ => named.as_ref().map(|named| named.value),
    };
    let divisor = raw.map(|raw| raw & mask);
    let named = named.filter(|named| Some(named.value & mask) == divisor);
    let at = sites.frame(frame)?.pc()?;
    let known_by = format!("the division instruction at {at} and its divisor");
    let text = match (divisor, named) {
        (Some(0), Some(named)) => format!("division by zero: {} is 0", whole_name(sites, frame, &named)),
        (Some(0), None) => "division by zero; what the divisor is called is not known".to_owned(),
        (Some(value), named) if value == mask && instruction.mnemonic() == Mnemonic::Idiv => {
            let name = named.map_or("the divisor".to_owned(), |named| whole_name(sites, frame, &named));
            format!("division of the smallest number by -1, {name}: the quotient does not fit")
        }
        _ => return None,
    };
    Some(Finding::new(CauseKind::Division, text, known_by))
}

/// A return to an address that the processor cannot form: it faults before it goes there.
fn bad_return(sites: &Sites<'_, '_, '_>, frame: usize, signal: &SignalInfo) -> Option<Finding> {
    let site = sites.code(frame).filter(|_| signal.address.is_none())?;
    let is_return = site.listing.get(site.here)?.flow_control() == FlowControl::Return;
    let pointer = sites.frame(frame)?.registers.sp().filter(|_| is_return)?;
    let target = sites
        .stacks
        .process
        .memory
        .read_word(Address(pointer), sites.arch())
        .filter(|to| !is_canonical(*to))?;
    let function = sites.function(frame).unwrap_or("the function");
    let text = format!(
        "the return address of `{function}` is {target:#x}, not an address of this processor: the stack was overwritten"
    );
    let known_by =
        format!("the return instruction at {} and the word at {pointer:#x}", sites.frame(frame)?.pc()?);
    Some(Finding::new(CauseKind::BadPointer, text, known_by))
}

/// A trap instruction.
fn trap(sites: &Sites<'_, '_, '_>, frame: usize) -> Option<Finding> {
    let site = sites.code(frame)?;
    let at = sites.frame(frame)?.pc()?;
    let known_by = |at: u64| format!("the instruction at {at:#x}");
    let this = site.listing.get(site.here)?;
    if matches!(this.mnemonic(), Mnemonic::Ud2 | Mnemonic::Ud1 | Mnemonic::Ud0) {
        let text = "a trap that the compiler put where the program must not come (`ud2`): __builtin_trap(), \
                    an abort, unreachable code or a failed check";
        return Some(Finding::new(CauseKind::Trap, text, known_by(at.0)));
    }
    // int3 is a trap, not a fault: the pc is behind it already.
    let before = site.here.checked_sub(1).and_then(|index| site.listing.get(index))?;
    (before.mnemonic() == Mnemonic::Int3 && before.next_ip() == at.0).then(|| {
        let text =
            "a breakpoint instruction (`int3`): __debugbreak(), a debugger's leftover or a failed check";
        Finding::new(CauseKind::Trap, text, known_by(before.ip()))
    })
}

/// A mapped file that is shorter than its mapping.
fn beyond_file(sites: &Sites<'_, '_, '_>, signal: &SignalInfo) -> Option<Finding> {
    let address = signal.address.filter(|_| signal.code == "BUS_ADRERR")?;
    let mapping = mapping_at(&sites.stacks.capture.mappings, address).filter(|mapping| mapping.inode != 0)?;
    let path = mapping.path.as_deref()?;
    let offset = (address.0 - mapping.start.0).checked_add(mapping.offset)?;
    let text = format!(
        "byte {offset} of the mapped file {path} does not exist: the file was made shorter, or could not be read"
    );
    Some(Finding::new(CauseKind::MappedFile, text, format!("the address {address} and the memory map")))
}

/// Whether the access is the one that the signal tells of.
fn is_at_fault(used: &UsedMemory, address: Option<Address>, value: &dyn Fn(Register) -> Option<u64>) -> bool {
    let Some(start) = used.virtual_address(0, |register, _, _| value(register)) else { return false };
    match address {
        Some(address) => address.0.wrapping_sub(start) < used.memory_size().size().max(1) as u64,
        // The processor tells no address when it cannot form one.
        None => !is_canonical(start),
    }
}

/// Whether the processor can form the address: bits 47 to 63 are the same (Intel SDM vol. 1 §3.3.7.1).
fn is_canonical(address: u64) -> bool {
    matches!(address >> 47, 0 | 0x1_ffff)
}

/// `NULL`, or what else is wrong with a pointer.
fn bad(named: &Named, there: &str) -> String {
    match named.value {
        0 if named.is_rust() => "null".to_owned(),
        0 => "NULL".to_owned(),
        value if value < NULL_LIMIT => format!("{value:#x}, nearly null"),
        value => format!("{value:#x}, {there}"),
    }
}

/// What is wrong with an address.
fn describe(sites: &Sites<'_, '_, '_>, address: u64) -> String {
    if !is_canonical(address) {
        return "not an address of this processor".to_owned();
    }
    match mapping_at(&sites.stacks.capture.mappings, Address(address)) {
        None => "where nothing is mapped".to_owned(),
        Some(mapping) => {
            let rights = [
                (mapping.protection.read, 'r'),
                (mapping.protection.write, 'w'),
                (mapping.protection.execute, 'x'),
            ];
            let rights: String =
                rights.iter().map(|(has, letter)| if *has { *letter } else { '-' }).collect();
            format!("in memory with the rights {rights} ({})", sites.name(Address(address)))
        }
    }
}

fn verb(access: OpAccess) -> &'static str {
    match access {
        OpAccess::Write | OpAccess::CondWrite => "writes",
        OpAccess::ReadWrite | OpAccess::ReadCondWrite => "changes",
        _ => "reads",
    }
}

fn past(access: OpAccess) -> &'static str {
    match access {
        OpAccess::Write | OpAccess::CondWrite => "written",
        OpAccess::ReadWrite | OpAccess::ReadCondWrite => "changed",
        _ => "read",
    }
}

fn register_name(register: Register) -> String {
    format!("{register:?}").to_lowercase()
}
