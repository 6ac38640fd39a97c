#if canImport(SwiftUI)
    import Curo
    import SwiftUI

    /// A conversation on a screen.
    public struct ConversationScreen: View {
        @StateObject private var shown: Shown

        /// Shows a conversation.
        public init(_ model: @autoclosure @escaping () -> ConversationModel) {
            _shown = StateObject(wrappedValue: Shown(model()))
        }

        public var body: some View {
            VStack {
                if screen.locked {
                    Text("Locked")
                } else {
                    List(screen.items) { item in
                        ItemRow(item: item)
                            .onAppear { if let message = item.message { act { await $0.saw(message) } } }
                    }
                    .refreshable { await shown.model.loadOlder() }
                }
                if screen.newBelow > 0 {
                    Button("\(screen.newBelow) new") { act { await $0.goDown() } }
                }
                if let problem = screen.problem {
                    Text("Not done: \(problem.description)").foregroundStyle(.red)
                }
                if !screen.locked {
                    HStack {
                        TextField("Message", text: draft)
                        Button("Send") { act { await $0.send() } }
                    }
                    .padding()
                }
            }
            .navigationTitle(screen.title)
            .task { await shown.model.follow() }
        }

        private var screen: ConversationModel.Screen { shown.model.screen }

        private var draft: Binding<String> {
            Binding(get: { screen.draft }, set: { text in act { await $0.write(text) } })
        }

        private func act(_ action: @escaping @MainActor (ConversationModel) async -> Void) {
            Task { await action(shown.model) }
        }
    }

    private struct ItemRow: View {
        let item: TimelineItem

        var body: some View {
            switch item.message?.body {
            case .text(let text), .amendment(_, let text): Text(text)
            case .deleted: Text("Deleted").italic()
            case .unsupported: Text("Update the app to see this").italic()
            case nil: Divider()
            }
        }
    }

    /// Tells SwiftUI of the model's changes.
    @MainActor
    private final class Shown: ObservableObject {
        let model: ConversationModel

        init(_ model: ConversationModel) {
            self.model = model
            model.changed = { [weak self] in self?.objectWillChange.send() }
        }
    }
#endif
