/// Brings about what was wished last of two opposite things that take time, as an app goes away and comes back faster than
/// its store closes: one at a time, never one twice in a row, and wishes that others overtake are skipped.
actor Turns {
    enum Place: Sendable {
        case front
        case back
    }

    private let go: @Sendable (Place) async -> Void
    private var wished = Place.front
    private var reached = Place.front
    private var going: Task<Void, Never>?

    /// Begins in the front. `go` is called for each place that is gone to, and must not wish itself.
    init(_ go: @escaping @Sendable (Place) async -> Void) {
        self.go = go
    }

    /// Returns when the place that was wished last is reached.
    func wish(_ place: Place) async {
        wished = place
        let task = going ?? Task { await self.follow() }
        going = task
        await task.value
    }

    private func follow() async {
        while reached != wished {
            let next = wished
            await go(next)
            reached = next
        }
        // Nothing was waited for since the comparison: a wish that comes now starts anew.
        going = nil
    }
}
