//! What a function of the C library waits for, by its name. Knows no process.

/// What a thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    /// A mutex.
    Mutex,
    /// A read-write lock, to read.
    ReadLock,
    /// A read-write lock, to write.
    WriteLock,
    /// A condition variable.
    Condition,
    /// A semaphore.
    Semaphore,
    /// A barrier.
    Barrier,
    /// The end of a thread.
    Join,
    /// A lock that the C library uses inside, of malloc or of a stream say.
    Internal,
    /// A futex of the program's own, or of a library with locks of its own.
    Futex,
}

impl Call {
    /// The call that a function is, by any of its names: `___pthread_mutex_lock`, `pthread_mutex_lock`,
    /// `__pthread_mutex_lock_full`. `None` for functions that wait for nothing by themselves.
    pub(crate) fn parse(function: &str) -> Option<Call> {
        let name = function.split('@').next()?.trim_start_matches('_');
        let name = name.strip_prefix("new_").unwrap_or(name);
        if let Some(rest) = name.strip_prefix("pthread_mutex_") {
            let locks = ["lock", "timedlock", "clocklock", "cond_lock"];
            return locks.iter().any(|lock| rest.starts_with(lock)).then_some(Call::Mutex);
        }
        if let Some(rest) = name.strip_prefix("pthread_rwlock_") {
            let starts = |what: &str| {
                ["", "timed", "clock"]
                    .iter()
                    .any(|how| rest.strip_prefix(how).is_some_and(|rest| rest.starts_with(what)))
            };
            return if starts("rdlock") {
                Some(Call::ReadLock)
            } else {
                starts("wrlock").then_some(Call::WriteLock)
            };
        }
        let waits = |rest: &str| ["wait", "timedwait", "clockwait"].iter().any(|wait| rest.starts_with(wait));
        if let Some(rest) = name.strip_prefix("pthread_cond_") {
            return waits(rest).then_some(Call::Condition);
        }
        if let Some(rest) = name.strip_prefix("sem_") {
            return waits(rest).then_some(Call::Semaphore);
        }
        match name {
            "pthread_barrier_wait" => Some(Call::Barrier),
            "pthread_join" | "pthread_timedjoin_np" | "pthread_clockjoin_np" | "pthread_clockjoin_ex" => {
                Some(Call::Join)
            }
            "lll_lock_wait_private" => Some(Call::Internal),
            _ => None,
        }
    }

    /// The parameter of these functions that points at what they wait for.
    pub(crate) fn parameter(self) -> Option<&'static str> {
        match self {
            Call::Mutex => Some("mutex"),
            Call::ReadLock | Call::WriteLock => Some("rwlock"),
            Call::Condition => Some("cond"),
            Call::Semaphore => Some("sem"),
            Call::Barrier => Some("barrier"),
            Call::Join | Call::Internal | Call::Futex => None,
        }
    }

    /// How many bytes such an object has on x86_64 (`bits/pthreadtypes-arch.h`); those without a
    /// type of their own are a word.
    pub(crate) fn object_size(self) -> u64 {
        match self {
            Call::Mutex => 40,
            Call::ReadLock | Call::WriteLock => 56,
            Call::Condition => 48,
            Call::Semaphore | Call::Barrier => 32,
            Call::Join | Call::Internal | Call::Futex => 4,
        }
    }

    /// The object in words.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Call::Mutex => "mutex",
            Call::ReadLock | Call::WriteLock => "read-write lock",
            Call::Condition => "condition variable",
            Call::Semaphore => "semaphore",
            Call::Barrier => "barrier",
            Call::Join => "thread to end",
            Call::Internal => "internal lock of the C library",
            Call::Futex => "futex",
        }
    }
}

/// A type of lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockType {
    /// `pthread_mutex_t`.
    Mutex,
    /// `pthread_rwlock_t`.
    ReadWrite,
    /// `pthread_cond_t`.
    Condition,
    /// `sem_t`.
    Semaphore,
    /// `pthread_barrier_t`.
    Barrier,
}

impl LockType {
    /// The lock that a type of this name is.
    pub(crate) fn parse(name: &str) -> Option<LockType> {
        match name {
            "pthread_mutex_t" => Some(LockType::Mutex),
            "pthread_rwlock_t" => Some(LockType::ReadWrite),
            "pthread_cond_t" => Some(LockType::Condition),
            "sem_t" => Some(LockType::Semaphore),
            "pthread_barrier_t" => Some(LockType::Barrier),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_known_by_all_their_names() {
        for (name, call) in [
            ("___pthread_mutex_lock", Call::Mutex),
            ("pthread_mutex_lock@@GLIBC_2.2.5", Call::Mutex),
            ("__pthread_mutex_lock_full", Call::Mutex),
            ("__pthread_mutex_clocklock_common", Call::Mutex),
            ("__pthread_mutex_cond_lock", Call::Mutex),
            ("___pthread_rwlock_rdlock", Call::ReadLock),
            ("__pthread_rwlock_rdlock_full64", Call::ReadLock),
            ("pthread_rwlock_timedwrlock", Call::WriteLock),
            ("__pthread_cond_wait_common", Call::Condition),
            ("pthread_cond_clockwait", Call::Condition),
            ("__new_sem_wait_slow64.constprop.0", Call::Semaphore),
            ("sem_timedwait", Call::Semaphore),
            ("__pthread_clockjoin_ex", Call::Join),
            ("pthread_barrier_wait", Call::Barrier),
            ("__lll_lock_wait_private", Call::Internal),
        ] {
            assert_eq!(Call::parse(name), Some(call), "{name}");
        }
    }

    #[test]
    fn what_does_not_wait_is_nothing() {
        for name in [
            "pthread_mutex_unlock",
            "pthread_mutex_trylock",
            "pthread_rwlock_tryrdlock",
            "pthread_rwlock_unlock",
            "pthread_cond_signal",
            "sem_post",
            "sem_trywait",
            "pthread_tryjoin_np",
            "lock_both",
            "",
        ] {
            assert_eq!(Call::parse(name), None, "{name}");
        }
    }
}
