//! Register sets as the kernel gives them, to [`ThreadRegisters`]. Pure but for [`read_registers`].
//!
//! To add a 32-bit x86 thread: its `NT_PRSTATUS` is 68 bytes (`user_regs_struct32`), which
//! [`parse_general`] tells apart by the length alone; it needs an arm there.

use super::ptrace::{self, NT_PRFPREG, NT_PRSTATUS, NT_X86_XSTATE};
use super::{FloatingPoint, Registers, ThreadRegisters};

/// Bytes of `struct user_regs_struct` of x86-64 (sys/user.h).
const GENERAL_SIZE: usize = 27 * 8;
/// The same of a 32-bit thread.
const GENERAL_SIZE_32: usize = 17 * 4;
/// Bytes of the FXSAVE area (Intel SDM vol. 1, §10.5.1).
const FXSAVE_SIZE: usize = 512;
/// Where XSAVE puts the upper halves of the ymm registers, in its standard format (§13.4.2).
const YMM_HIGH: usize = 576;
/// Where the kernel notes which features the area has (`xcr0`, in the bytes FXSAVE leaves to software).
const FEATURES: usize = 464;
/// The bit of AVX in there.
const FEATURE_AVX: u64 = 1 << 2;
/// Room for every extended state there is today (AMX tiles take 8 KiB).
const XSTATE_ROOM: usize = 16 << 10;

/// Reads every register of a stopped thread; an error is one line in words.
pub(super) fn read_registers(tid: i32) -> Result<ThreadRegisters, String> {
    let mut general = [0; GENERAL_SIZE];
    let length = ptrace::read_register_set(tid, NT_PRSTATUS, &mut general)
        .map_err(|error| format!("cannot read its registers: {error}"))?;
    let mut registers = parse_general(general.get(..length).unwrap_or_default())?;
    let mut extended = [0; XSTATE_ROOM];
    // A processor without XSAVE gives the older set; a thread without either has no floating point state.
    let length = ptrace::read_register_set(tid, NT_X86_XSTATE, &mut extended)
        .or_else(|_| ptrace::read_register_set(tid, NT_PRFPREG, &mut extended))
        .unwrap_or(0);
    registers.floating = parse_extended(extended.get(..length).unwrap_or_default()).unwrap_or_default();
    Ok(registers)
}

/// `NT_PRSTATUS` of x86-64: `struct user_regs_struct`.
fn parse_general(bytes: &[u8]) -> Result<ThreadRegisters, String> {
    if bytes.len() == GENERAL_SIZE_32 {
        return Err("it runs 32-bit code, whose registers glider does not read".to_owned());
    }
    let Ok(bytes) = <&[u8; GENERAL_SIZE]>::try_from(bytes) else {
        return Err(format!("its registers come in an unknown form ({} bytes)", bytes.len()));
    };
    let mut words = [0; 27];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    let [
        r15,
        r14,
        r13,
        r12,
        rbp,
        rbx,
        r11,
        r10,
        r9,
        r8,
        rax,
        rcx,
        rdx,
        rsi,
        rdi,
        orig_rax,
        rip,
        _cs,
        flags,
        rsp,
        _ss,
        fs_base,
        gs_base,
        _ds,
        _es,
        _fs,
        _gs,
    ] = words;
    let mut general = Registers::default();
    let in_dwarf_order = [rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15, rip];
    for (number, value) in (0..).zip(in_dwarf_order) {
        general.set(number, Some(value));
    }
    Ok(ThreadRegisters {
        general,
        fs_base,
        gs_base,
        flags,
        system_call: orig_rax.cast_signed(),
        floating: FloatingPoint::default(),
    })
}

/// The FXSAVE area, and the AVX part of the XSAVE area when it follows.
fn parse_extended(bytes: &[u8]) -> Option<FloatingPoint> {
    let legacy = bytes.get(..FXSAVE_SIZE)?;
    let mut floating = FloatingPoint::default();
    // Each st register has sixteen bytes of which ten are used.
    for (register, bytes) in floating.st.iter_mut().zip(legacy.get(32..160)?.as_chunks::<16>().0) {
        register.copy_from_slice(bytes.get(..10)?);
    }
    for (register, bytes) in floating.xmm.iter_mut().zip(legacy.get(160..416)?.as_chunks::<16>().0) {
        *register = *bytes;
    }
    let features = u64::from_le_bytes(*legacy.get(FEATURES..)?.first_chunk()?);
    if features & FEATURE_AVX != 0
        && let Some(area) = bytes.get(YMM_HIGH..YMM_HIGH + 256)
    {
        let mut high = [[0; 16]; 16];
        high.as_flattened_mut().copy_from_slice(area);
        floating.ymm_high = Some(high);
    }
    Some(floating)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::registers::{FS_BASE, RBX, RIP, RSP, XMM0};

    #[test]
    fn general_registers_land_at_their_dwarf_numbers() {
        let words: Vec<u64> = (100..127).collect();
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let registers = parse_general(&bytes).unwrap();
        assert_eq!(registers.general.get(0), Some(110), "rax is the eleventh word of user_regs_struct");
        assert_eq!(registers.general.get(RBX), Some(105));
        assert_eq!(registers.general.get(RSP), Some(119));
        assert_eq!(registers.general.get(RIP), Some(116));
        assert_eq!(registers.general.get(15), Some(100), "r15 comes first");
        assert_eq!((registers.fs_base, registers.gs_base, registers.flags), (121, 122, 118));
        assert_eq!(registers.system_call, 115);
        assert_eq!(registers.general.get(XMM0), None);
        assert_eq!(registers.general.get(FS_BASE), None);
    }

    #[test]
    fn thirty_two_bit_and_odd_register_sets_are_refused_in_words() {
        assert!(parse_general(&[0; 68]).unwrap_err().contains("32-bit"));
        assert!(parse_general(&[0; 100]).unwrap_err().contains("100 bytes"));
        assert!(parse_general(&[]).unwrap_err().contains("0 bytes"));
    }

    #[test]
    fn extended_registers_are_found_in_both_layouts() {
        let mut bytes: Vec<u8> = vec![0; 832];
        bytes[32..42].fill(7);
        bytes[144..154].fill(8);
        bytes[160..176].fill(1);
        bytes[400..416].fill(2);
        bytes[576..592].fill(3);
        bytes[816..832].fill(4);
        assert_eq!(parse_extended(&bytes).unwrap().ymm_high, None, "the feature bit is not set");
        bytes[464] = 7;
        let floating = parse_extended(&bytes).unwrap();
        assert_eq!((floating.st[0], floating.st[7]), ([7; 10], [8; 10]));
        assert_eq!((floating.xmm[0], floating.xmm[15]), ([1; 16], [2; 16]));
        let high = floating.ymm_high.unwrap();
        assert_eq!((high[0], high[15]), ([3; 16], [4; 16]));
        assert_eq!(parse_extended(&bytes[..512]).unwrap().ymm_high, None, "FXSAVE alone");
        assert_eq!(parse_extended(&bytes[..511]), None);
    }
}
