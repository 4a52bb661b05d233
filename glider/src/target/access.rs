//! Whether a process can be traced at all, found out before anything is done to it, and
//! in words when it cannot.

use super::TargetError;
use super::procfs::{ProcessDirectory, Status, is_gone};
use std::io;

/// `CAP_SYS_PTRACE` of include/uapi/linux/capability.h.
const CAP_SYS_PTRACE: u64 = 1 << 19;

/// Opens the process that `id` means (of a thread's id, the process it belongs to), and makes
/// sure that it can be traced: it lives, is nobody else's tracee, and the kernel permits it.
/// [`check_architecture`] is left to whoever may open its file.
pub fn open_target(id: i32) -> Result<ProcessDirectory, TargetError> {
    let directory = open_process(id)?;
    let pid = directory.pid();
    if pid == std::process::id().cast_signed() {
        return Err(TargetError::Itself { pid });
    }
    let stat = directory.read_thread_stat(pid).map_err(|error| unreadable(pid, error))?;
    if stat.is_kernel {
        return Err(TargetError::KernelThread { pid, name: stat.name });
    }
    let Some(live) = directory.find_live_thread() else {
        return Err(TargetError::Zombie { pid, name: stat.name, parent: stat.parent });
    };
    if let Some(error) = find_tracer(&directory, live) {
        return Err(error);
    }
    // The kernel asks the same of who opens the memory as of who traces.
    match directory.open_memory() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(not_permitted(&directory, live));
        }
        Err(error) => return Err(unreadable(pid, error)),
        Ok(_) => {}
    }
    Ok(directory)
}

fn open_process(id: i32) -> Result<ProcessDirectory, TargetError> {
    let directory = ProcessDirectory::open(id)?;
    let status = directory.read_status(id).map_err(|error| unreadable(id, error))?;
    if status.process == id || status.process <= 0 {
        return Ok(directory);
    }
    let process = ProcessDirectory::open(status.process)?;
    // As long as the thread lives, the id of its process is no other's.
    match directory.read_status(id) {
        Ok(again) if again.process == status.process => Ok(process),
        _ => Err(TargetError::NoSuchProcess { pid: id }),
    }
}

fn unreadable(pid: i32, error: io::Error) -> TargetError {
    match is_gone(&error) {
        true => TargetError::NoSuchProcess { pid },
        false => TargetError::system(format!("read /proc/{pid}"), error),
    }
}

/// Who traces the thread already, if anybody.
pub(super) fn find_tracer(directory: &ProcessDirectory, tid: i32) -> Option<TargetError> {
    let tracer = directory.read_status(tid).ok()?.tracer;
    if tracer == 0 {
        return None;
    }
    let name = ProcessDirectory::open(tracer).and_then(|tracer_directory| {
        tracer_directory.read_thread_stat(tracer).map_err(|error| unreadable(tracer, error))
    });
    let tracer_name = name.map_or_else(|_| "unknown".to_owned(), |stat| stat.name);
    Some(TargetError::AlreadyTraced { pid: directory.pid(), tracer, tracer_name })
}

/// The refusal, with the rule that applies (ptrace(2), "Ptrace access mode checking").
pub(super) fn not_permitted(directory: &ProcessDirectory, tid: i32) -> TargetError {
    let pid = directory.pid();
    let target = directory.read_status(tid).unwrap_or_default();
    let own = ProcessDirectory::open(std::process::id().cast_signed())
        .and_then(|own| own.read_status(own.pid()).map_err(|error| unreadable(own.pid(), error)))
        .unwrap_or_default();
    let yama = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok();
    let yama = yama.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    TargetError::NotPermitted { pid, remedy: remedy(&own, &target, yama) }
}

/// Which rule refuses, and what would help.
fn remedy(own: &Status, target: &Status, yama: u32) -> String {
    let [user, effective, saved, _] = target.uids;
    if own.capabilities & CAP_SYS_PTRACE != 0 {
        return if yama >= 3 {
            "kernel.yama.ptrace_scope is 3, so nothing can be traced until the machine is booted again"
                .to_owned()
        } else {
            "a security policy refuses it (a user namespace of its own, seccomp, SELinux or AppArmor); \
             run glider in the same container as the process"
                .to_owned()
        };
    }
    if own.uids[1] == 0 {
        return "root lacks CAP_SYS_PTRACE here; give the container that capability (--cap-add SYS_PTRACE)"
            .to_owned();
    }
    if [user, effective, saved] != [own.uids[0]; 3] {
        return format!(
            "it belongs to user id {effective}, and you are {}; run glider as that user, as root, or with CAP_SYS_PTRACE",
            own.uids[0]
        );
    }
    match yama {
        0 => "it is protected (a set-user-id or unreadable program, or it made itself undumpable); \
              run glider as root or with CAP_SYS_PTRACE"
            .to_owned(),
        1 => "kernel.yama.ptrace_scope is 1, so only a parent may trace its children; run glider as root or with \
              CAP_SYS_PTRACE, set kernel.yama.ptrace_scope to 0, or let the process call prctl(PR_SET_PTRACER)"
            .to_owned(),
        2 => "kernel.yama.ptrace_scope is 2, so only root may trace; run glider as root or with CAP_SYS_PTRACE"
            .to_owned(),
        _ => "kernel.yama.ptrace_scope is 3, so nothing can be traced until the machine is booted again".to_owned(),
    }
}

/// Refuses what is not an x86 program, 64-bit or 32-bit, by the ELF header's class and machine (gABI, "ELF Header").
/// A header that cannot be read is no reason to refuse.
pub fn check_architecture(pid: i32, header: &[u8]) -> Result<(), TargetError> {
    const CLASS_32: u8 = 1;
    const MACHINE_I386: u16 = 3;
    const MACHINE_X86_64: u16 = 62;
    if header.get(..4) != Some(b"\x7fELF") {
        return Ok(());
    }
    let (Some(&class), Some(&[low, high])) = (header.get(4), header.get(18..20)) else { return Ok(()) };
    let what = match (class, u16::from_le_bytes([low, high])) {
        (CLASS_32, MACHINE_X86_64) => "an x32 program (32-bit pointers)".to_owned(),
        (CLASS_32, MACHINE_I386) | (_, MACHINE_X86_64) => return Ok(()),
        (_, machine) => format!("a program for another processor (ELF machine {machine})"),
    };
    Err(TargetError::Architecture { pid, what })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: u32, capabilities: u64) -> Status {
        Status { uids: [id; 4], gids: [id; 4], capabilities, ..Status::default() }
    }

    #[test]
    fn each_rule_has_its_own_remedy() {
        let say = |own: &Status, target: &Status, yama| remedy(own, target, yama);
        assert!(say(&user(7, 0), &user(8, 0), 1).starts_with("it belongs to user id 8, and you are 7"));
        assert!(say(&user(7, 0), &user(7, 0), 0).contains("undumpable"));
        assert!(say(&user(7, 0), &user(7, 0), 1).contains("PR_SET_PTRACER"));
        assert!(say(&user(7, 0), &user(7, 0), 2).contains("only root"));
        assert!(say(&user(7, 0), &user(7, 0), 3).contains("booted"));
        assert!(say(&user(0, 0), &user(7, 0), 0).contains("--cap-add SYS_PTRACE"));
        assert!(say(&user(0, CAP_SYS_PTRACE), &user(7, 0), 0).contains("namespace"));
        let set_user_id = Status { uids: [7, 0, 0, 0], ..Status::default() };
        assert!(say(&user(7, 0), &set_user_id, 0).contains("belongs to user id 0"));
    }

    #[test]
    fn only_x86_headers_pass() {
        let header = |class: u8, machine: u16| {
            let mut bytes = b"\x7fELF".to_vec();
            bytes.push(class);
            bytes.resize(18, 0);
            bytes.extend(machine.to_le_bytes());
            check_architecture(1, &bytes).map_err(|error| error.to_string())
        };
        assert_eq!(header(2, 62), Ok(()));
        assert_eq!(header(1, 3), Ok(()));
        assert!(header(1, 62).unwrap_err().contains("x32"));
        assert!(header(2, 183).unwrap_err().contains("machine 183"));
        assert!(check_architecture(1, b"\x7fELF").is_ok(), "too short to tell");
        assert!(check_architecture(1, b"#!/bin/sh").is_ok(), "not an ELF file");
    }
}
