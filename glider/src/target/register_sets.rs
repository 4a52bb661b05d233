//! Register sets as the kernel gives them, to [`ThreadRegisters`]. Pure but for [`read_registers`].
//!
//! A 64-bit tracer gets the registers of a 32-bit thread in the 32-bit form: only its length tells.

#![forbid(unsafe_code)]

use super::ptrace::{self, NT_PRFPREG, NT_PRSTATUS, NT_X86_XSTATE};
use super::{Arch, FloatingPoint, Registers, ThreadRegisters, Wide};

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
/// Bit and number of the upper halves of zmm0 to zmm15 in there.
const ZMM_HIGH: u32 = 6;
/// The same of zmm16 to zmm31.
const ZMM_MORE: u32 = 7;
/// Where the area notes which of its features are not in their initial state, all zero (§13.4.2).
const IN_USE: usize = 512;
/// Room for every extended state there is today (AMX tiles take 8 KiB).
const XSTATE_ROOM: usize = 16 << 10;

/// Reads every register of a stopped thread; an error is one line in words.
pub(super) fn read_registers(tid: i32) -> Result<ThreadRegisters, String> {
    let mut general = [0; GENERAL_SIZE];
    let length = ptrace::read_register_set(tid, NT_PRSTATUS, &mut general)
        .map_err(|error| format!("cannot read its registers: {error}"))?;
    let mut registers = parse_general(general.get(..length).unwrap_or_default())?;
    if registers.general.arch() == Arch::X86 {
        registers.fs_base = thread_pointer(tid, &general).unwrap_or_default();
    }
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
    if let Ok(bytes) = bytes.try_into() {
        return Ok(parse_general_32(bytes));
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

/// `NT_PRSTATUS` of i386: `user_regs_struct32` of the kernel's asm/user32.h.
fn parse_general_32(bytes: &[u8; GENERAL_SIZE_32]) -> ThreadRegisters {
    let mut words = [0; 17];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    let [ebx, ecx, edx, esi, edi, ebp, eax, _ds, _es, _fs, _gs, orig_eax, eip, _cs, flags, esp, _ss] = words;
    let mut general = Registers::of(Arch::X86);
    for (number, value) in (0..).zip([eax, ecx, edx, ebx, esp, ebp, esi, edi, eip]) {
        general.set(number, Some(value.into()));
    }
    ThreadRegisters {
        general,
        fs_base: 0,
        gs_base: 0,
        flags: flags.into(),
        system_call: orig_eax.cast_signed().into(),
        floating: FloatingPoint::default(),
    }
}

/// The thread pointer of a 32-bit thread: the base of the segment that its gs selects.
fn thread_pointer(tid: i32, general: &[u8]) -> Option<u64> {
    const GS: usize = 10 * 4;
    let selector = u32::from_le_bytes(*general.get(GS..)?.first_chunk()?);
    ptrace::read_segment_base(tid, selector >> 3).ok().map(u64::from)
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
    let is_in = |set: u64, feature: u32| set >> feature & 1 == 1;
    floating.has_wide = is_in(features, ZMM_HIGH) && is_in(features, ZMM_MORE);
    if floating.has_wide {
        let used = bytes
            .get(IN_USE..)
            .and_then(|used| used.first_chunk())
            .map_or(0, |used| u64::from_le_bytes(*used));
        let is_used = is_in(used, ZMM_HIGH) || is_in(used, ZMM_MORE);
        floating.wide = is_used.then(|| parse_wide(bytes, used, ptrace::avx512_places()));
    }
    Some(floating)
}

/// The parts of the XSAVE area that AVX-512 has, at these places; `used` tells which are not zero.
fn parse_wide(bytes: &[u8], used: u64, [high, more]: [usize; 2]) -> Box<Wide> {
    let mut wide = Box::new(Wide::default());
    let part = |feature: u32, start: usize, size: usize| {
        bytes.get(start..start.checked_add(size)?).filter(|_| used >> feature & 1 == 1)
    };
    if let Some(high) = part(ZMM_HIGH, high, 512) {
        wide.high.as_flattened_mut().copy_from_slice(high);
    }
    if let Some(more) = part(ZMM_MORE, more, 1024) {
        wide.more.as_flattened_mut().as_flattened_mut().copy_from_slice(more);
    }
    wide
}

#[cfg(test)]
mod tests {
    use super::*;

    const RBX: u16 = 3;
    const RSP: u16 = 7;
    const RIP: u16 = 16;
    const XMM0: u16 = 17;
    const FS_BASE: u16 = 58;

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
    fn the_registers_of_a_32_bit_thread_land_at_their_own_numbers() {
        let bytes: Vec<u8> = (100u32..117).flat_map(u32::to_le_bytes).collect();
        let registers = parse_general(&bytes).unwrap();
        let known: Vec<_> =
            registers.general.known().map(|(name, value)| format!("{name} {value}")).collect();
        assert_eq!(
            known.join(" "),
            "eax 106 ecx 101 edx 102 ebx 100 esp 115 ebp 105 esi 103 edi 104 eip 112"
        );
        assert_eq!((registers.system_call, registers.flags), (111, 114));
        let outside = [&bytes[..44], &[0xff; 4], &bytes[48..]].concat();
        assert_eq!(parse_general(&outside).unwrap().system_call, -1);
    }

    #[test]
    fn odd_register_sets_are_refused_in_words() {
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
