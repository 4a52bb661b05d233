//! The system calls that are needed, and none besides (seccomp(2)).

#![forbid(unsafe_code)]

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter, apply_filter_all_threads, sock_filter,
};

/// What analyzer and plugin host need: memory, files that are read or have no name, processes of their own,
/// threads, time, signals. Not in it: execve, ptrace and process_vm_*, socket, every change to a file system
/// or to the machine.
pub(super) const ANALYSIS: &[i64] = &[
    // Memory.
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_memfd_create,
    libc::SYS_mincore,
    libc::SYS_mlock,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_msync,
    libc::SYS_munlock,
    libc::SYS_munmap,
    // Descriptors.
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_copy_file_range,
    libc::SYS_dup,
    libc::SYS_dup2,
    libc::SYS_dup3,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_wait,
    libc::SYS_eventfd2,
    libc::SYS_fadvise64,
    libc::SYS_fallocate,
    libc::SYS_fcntl,
    libc::SYS_fdatasync,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_lseek,
    libc::SYS_pipe,
    libc::SYS_pipe2,
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_preadv2,
    libc::SYS_pselect6,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_read,
    libc::SYS_readahead,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_select,
    libc::SYS_sendfile,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_shutdown,
    libc::SYS_socketpair,
    libc::SYS_splice,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_gettime,
    libc::SYS_timerfd_settime,
    libc::SYS_write,
    libc::SYS_writev,
    // Files by name, for reading: landlock and the user's rights see to that.
    libc::SYS_access,
    libc::SYS_chdir,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fchdir,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_getcwd,
    libc::SYS_getdents,
    libc::SYS_getdents64,
    libc::SYS_lstat,
    libc::SYS_newfstatat,
    libc::SYS_open,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_readlink,
    libc::SYS_readlinkat,
    libc::SYS_stat,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_umask,
    // Processes and threads.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fork,
    libc::SYS_futex,
    libc::SYS_get_robust_list,
    libc::SYS_kill,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_prctl,
    libc::SYS_arch_prctl,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_setpgid,
    libc::SYS_setpriority,
    libc::SYS_setsid,
    libc::SYS_tgkill,
    libc::SYS_tkill,
    libc::SYS_vfork,
    libc::SYS_wait4,
    libc::SYS_waitid,
    // Time and signals.
    libc::SYS_alarm,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_getitimer,
    libc::SYS_gettimeofday,
    libc::SYS_nanosleep,
    libc::SYS_pause,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_setitimer,
    libc::SYS_sigaltstack,
    libc::SYS_signalfd4,
    libc::SYS_time,
    libc::SYS_timer_create,
    libc::SYS_timer_delete,
    libc::SYS_timer_getoverrun,
    libc::SYS_timer_gettime,
    libc::SYS_timer_settime,
    libc::SYS_times,
    // What there is to know of oneself and the machine.
    libc::SYS_capget,
    libc::SYS_getcpu,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getgroups,
    libc::SYS_getpgid,
    libc::SYS_getpgrp,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getpriority,
    libc::SYS_getrandom,
    libc::SYS_getresgid,
    libc::SYS_getresuid,
    libc::SYS_getrlimit,
    libc::SYS_getrusage,
    libc::SYS_getsid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_prlimit64,
    libc::SYS_setrlimit,
    libc::SYS_sysinfo,
    libc::SYS_uname,
];

/// What the [`opener`](super::opener) needs.
pub(super) const OPENING: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fcntl,
    libc::SYS_fstat,
    libc::SYS_futex,
    libc::SYS_geteuid,
    libc::SYS_getrandom,
    libc::SYS_lstat,
    libc::SYS_madvise,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_newfstatat,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_pread64,
    libc::SYS_readlink,
    libc::SYS_readlinkat,
    libc::SYS_recvmsg,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sendmsg,
    libc::SYS_sigaltstack,
    libc::SYS_stat,
    libc::SYS_statx,
];

/// Forbids this process, for good, every call but those of the list: they fail with EPERM. Needs
/// no_new_privs. Gives in words what is in force.
pub(super) fn allow(calls: &[i64]) -> String {
    match install(calls, apply_filter) {
        Ok(()) => format!("{} system calls allowed (seccomp)", calls.len()),
        Err(error) => format!("no seccomp: {error}"),
    }
}

/// The same for every thread that this process has already; where the kernel has no seccomp, nothing.
pub(super) fn allow_all_threads(calls: &[i64]) {
    let _ = install(calls, apply_filter_all_threads);
}

/// Puts a filter in force.
type Apply = fn(&[sock_filter]) -> seccompiler::Result<()>;

fn install(calls: &[i64], put: Apply) -> Result<(), String> {
    // First what the second filter forbids to add. ENOSYS has the C library fall back on clone(2),
    // whose flags can be looked at.
    let rules = [(libc::SYS_clone3, Vec::new())].into_iter().collect();
    let absent = SeccompAction::Errno(libc::ENOSYS as u32);
    apply(SeccompFilter::new(rules, SeccompAction::Allow, absent, TargetArch::x86_64), put)?;
    let looked_into = [
        (libc::SYS_clone, plain_clones()?),
        (libc::SYS_clone3, Vec::new()),
        (libc::SYS_ioctl, terminal_questions()?),
    ];
    let rules = calls.iter().map(|&call| (call, Vec::new())).chain(looked_into).collect();
    let denied = SeccompAction::Errno(libc::EPERM as u32);
    apply(SeccompFilter::new(rules, denied, SeccompAction::Allow, TargetArch::x86_64), put)
}

/// The only ioctl(2): whether a descriptor is a terminal, and how much there is to read.
fn terminal_questions() -> Result<Vec<SeccompRule>, String> {
    [libc::TCGETS, libc::FIONREAD, libc::FIOCLEX, libc::FIONBIO]
        .into_iter()
        .map(|request| rule(1, SeccompCmpOp::Eq, request))
        .collect()
}

/// The only clone(2): without a namespace of its own.
fn plain_clones() -> Result<Vec<SeccompRule>, String> {
    const NAMESPACES: i32 = libc::CLONE_NEWNS
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET;
    Ok(vec![rule(0, SeccompCmpOp::MaskedEq(NAMESPACES as u64), 0)?])
}

fn rule(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, String> {
    let condition =
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value).map_err(text)?;
    SeccompRule::new(vec![condition]).map_err(text)
}

fn apply(filter: Result<SeccompFilter, seccompiler::BackendError>, put: Apply) -> Result<(), String> {
    let program: BpfProgram = filter.map_err(text)?.try_into().map_err(text)?;
    put(&program).map_err(text)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
