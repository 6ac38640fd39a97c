//! What an object of ours holds of the client, let go of where it may take time.

use std::ops::Deref;

/// A part of the client. Kotlin's garbage collector and Swift's reference counts let go of it on threads that know no runtime
/// and must not wait; the client's last handle closes a database. So whatever is held ends on a thread of ours.
pub(crate) struct Held<T: Send + 'static>(Option<T>);

impl<T: Send + 'static> Held<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T: Send + 'static> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            // Taken by `drop` alone.
            None => unreachable!(),
        }
    }
}

impl<T: Send + 'static> Drop for Held<T> {
    fn drop(&mut self) {
        let Some(value) = self.0.take() else { return };
        match crate::runtime::runtime() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(value))),
            // Without a runtime there was never anything to hold; a leak would be worse than this thread's time.
            Err(_) => drop(value),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread::ThreadId;

    struct Tells(mpsc::Sender<(ThreadId, bool)>);

    impl Drop for Tells {
        fn drop(&mut self) {
            let in_runtime = tokio::runtime::Handle::try_current().is_ok();
            let _ = self.0.send((std::thread::current().id(), in_runtime));
        }
    }

    #[test]
    fn what_a_plain_thread_drops_ends_on_a_thread_of_the_runtime() {
        let (sender, receiver) = mpsc::channel();
        let here = std::thread::spawn(move || {
            drop(Held::new(Tells(sender)));
            std::thread::current().id()
        })
        .join()
        .unwrap();
        let (there, in_runtime) = receiver.recv().unwrap();
        assert_ne!(here, there);
        assert!(in_runtime);
    }
}
