import Dispatch
import Synchronization

/// Begins an operation and cancels its task as soon as it waits for the first time: what an app does that gives a call up at
/// once. When this returns, the call has been entered.
func enterAndCancel(_ operation: @escaping @Sendable () async -> Void) {
    let executor = EnteringExecutor()
    // A task does not keep its executor.
    executors.withLock { $0.append(executor) }
    Task.detached(executorPreference: executor, operation: operation).cancel()
}

private let executors = Mutex<[EnteringExecutor]>([])

/// Runs a task's first part in the thread that makes the task, and the others on threads as usual.
private final class EnteringExecutor: TaskExecutor {
    private let entered = Atomic(false)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if entered.exchange(true, ordering: .relaxed) {
            DispatchQueue.global().async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        } else {
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}
