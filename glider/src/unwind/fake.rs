//! Memory and code for tests: arrays.

use super::{Code, Section, UnwindSections};
use crate::address::{Address, Bias};
use crate::target::Memory;
use gimli::write::{self, CallFrameInstruction};
use gimli::{DW_EH_PE_absptr, DW_EH_PE_pcrel, LittleEndian, X86_64};

/// Bytes at an address, nothing elsewhere.
pub(super) struct Bytes {
    start: u64,
    bytes: Vec<u8>,
}

impl Bytes {
    pub(super) fn new(start: u64, bytes: &[u8]) -> Bytes {
        Bytes { start, bytes: bytes.to_vec() }
    }
}

impl Memory for Bytes {
    fn read(&self, address: Address, buffer: &mut [u8]) -> usize {
        let Some(offset) = address.0.checked_sub(self.start) else { return 0 };
        let available = usize::try_from(offset).ok().and_then(|offset| self.bytes.get(offset..));
        let available = available.unwrap_or_default();
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        length
    }
}

/// Eight-byte words at an address.
pub(super) struct Words(Bytes);

impl Words {
    pub(super) fn new(start: u64, words: &[u64]) -> Words {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Words(Bytes::new(start, &bytes))
    }
}

impl Memory for Words {
    fn read(&self, address: Address, buffer: &mut [u8]) -> usize {
        self.0.read(address, buffer)
    }
}

/// Executable everywhere, without symbols or tables.
pub(super) struct NoCode;

impl Code for NoCode {
    fn unwind_sections(&self, _: Address) -> Option<&UnwindSections> {
        None
    }
    fn is_executable(&self, _: Address) -> bool {
        true
    }
    fn function_start(&self, _: Address) -> Option<Address> {
        None
    }
}

/// Executable in one function only.
pub(super) struct OneFunction {
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Code for OneFunction {
    fn unwind_sections(&self, _: Address) -> Option<&UnwindSections> {
        None
    }
    fn is_executable(&self, pc: Address) -> bool {
        (self.start..self.end).contains(&pc.0)
    }
    fn function_start(&self, pc: Address) -> Option<Address> {
        self.is_executable(pc).then_some(Address(self.start))
    }
}

/// An object with call frame tables, executable where they are.
pub(super) struct Tabled {
    pub(super) sections: UnwindSections,
    pub(super) code: std::ops::Range<u64>,
}

impl Code for Tabled {
    fn unwind_sections(&self, pc: Address) -> Option<&UnwindSections> {
        self.code.contains(&pc.0).then_some(&self.sections)
    }
    fn is_executable(&self, pc: Address) -> bool {
        self.code.contains(&pc.0)
    }
    fn function_start(&self, _: Address) -> Option<Address> {
        None
    }
}

/// What the object that [`tabled`] builds adds to its addresses.
pub(super) const BIAS: u64 = 0x50_0000;
/// Where its `.eh_frame` and `.eh_frame_hdr` lie in the file.
const EH_FRAME: u64 = 0x8000;
const EH_FRAME_HDR: u64 = 0x9000;

/// A function for [`tabled`]: address in the file, length, and the instructions of its table.
pub(super) struct Function {
    pub(super) start: u64,
    pub(super) length: u32,
    pub(super) is_signal_frame: bool,
    pub(super) table: Vec<(u32, CallFrameInstruction)>,
}

/// Builds an object with these functions, in the order of their addresses. The CIE is the usual
/// one: at a function's entry the CFA is `rsp` + 8 and the return address lies below it.
pub(super) fn tabled(functions: Vec<Function>) -> Tabled {
    let table = frame_table(functions, DW_EH_PE_pcrel);
    let mut eh_frame = write::EhFrame::from(write::EndianVec::new(LittleEndian));
    table.0.write_eh_frame(&mut eh_frame).unwrap();
    // Pointers relative to their own place come out as if the section were at zero.
    let mut bytes = eh_frame.slice().to_vec();
    let fdes = entries(&bytes);
    for (fde, start) in fdes.iter().zip(&table.1) {
        let place = fde + 8;
        let relative = start.wrapping_sub(EH_FRAME + place as u64) as u32;
        bytes[place..place + 4].copy_from_slice(&relative.to_le_bytes());
    }
    let mut header = vec![1, 0x1b, 0x03, 0x3b];
    header.extend((EH_FRAME.wrapping_sub(EH_FRAME_HDR + 4) as u32).to_le_bytes());
    header.extend((fdes.len() as u32).to_le_bytes());
    for (fde, start) in fdes.iter().zip(&table.1) {
        header.extend((start.wrapping_sub(EH_FRAME_HDR) as u32).to_le_bytes());
        header.extend(((EH_FRAME + *fde as u64).wrapping_sub(EH_FRAME_HDR) as u32).to_le_bytes());
    }
    let sections = UnwindSections {
        bias: Bias(BIAS),
        eh_frame: Some(section(EH_FRAME, bytes)),
        eh_frame_hdr: Some(section(EH_FRAME_HDR, header)),
        ..UnwindSections::default()
    };
    Tabled { sections, code: BIAS..BIAS + 0x8000 }
}

/// The same with `.debug_frame` alone.
pub(super) fn debug_tabled(functions: Vec<Function>) -> Tabled {
    let table = frame_table(functions, DW_EH_PE_absptr);
    let mut debug_frame = write::DebugFrame::from(write::EndianVec::new(LittleEndian));
    table.0.write_debug_frame(&mut debug_frame).unwrap();
    let debug_frame = Some(section(0, debug_frame.slice().to_vec()));
    let sections = UnwindSections { bias: Bias(BIAS), debug_frame, ..UnwindSections::default() };
    Tabled { sections, code: BIAS..BIAS + 0x8000 }
}

/// A section with these bytes; they stay for ever, as those of mapped files do.
pub(super) fn section(address: u64, bytes: Vec<u8>) -> Section {
    Section { address, data: super::Bytes::new(bytes.leak(), LittleEndian) }
}

fn frame_table(functions: Vec<Function>, pointers: gimli::DwEhPe) -> (write::FrameTable, Vec<u64>) {
    let encoding = gimli::Encoding { address_size: 8, format: gimli::Format::Dwarf32, version: 1 };
    let mut table = write::FrameTable::default();
    let mut starts = Vec::new();
    for function in functions {
        let mut cie = write::CommonInformationEntry::new(encoding, 1, -8, X86_64::RA);
        if pointers == DW_EH_PE_pcrel {
            cie.fde_address_encoding = gimli::DwEhPe(DW_EH_PE_pcrel.0 | gimli::DW_EH_PE_sdata4.0);
        }
        cie.signal_trampoline = function.is_signal_frame;
        cie.add_instruction(CallFrameInstruction::Cfa(X86_64::RSP, 8));
        cie.add_instruction(CallFrameInstruction::Offset(X86_64::RA, -8));
        let cie = table.add_cie(cie);
        // An address the encoding can hold; `tabled` writes the true one.
        let start = if pointers == DW_EH_PE_pcrel { 0 } else { function.start };
        let mut fde = write::FrameDescriptionEntry::new(write::Address::Constant(start), function.length);
        for (offset, instruction) in function.table {
            fde.add_instruction(offset, instruction);
        }
        table.add_fde(cie, fde);
        starts.push(function.start);
    }
    (table, starts)
}

/// Offsets of the FDEs in an `.eh_frame`.
fn entries(bytes: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut offset = 0;
    while let Some(length) = bytes.get(offset..offset + 4) {
        let length = u32::from_le_bytes(length.try_into().unwrap()) as usize;
        if length == 0 {
            break;
        }
        if bytes[offset + 4..offset + 8] != [0; 4] {
            found.push(offset);
        }
        offset += 4 + length;
    }
    found
}
