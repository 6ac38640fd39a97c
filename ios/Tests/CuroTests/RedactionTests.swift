import Foundation
import XCTest

@testable import Curo

/// Every value that can hold what people wrote, or who they are, one by one: none of its textual forms shows it.
final class RedactionTests: XCTestCase {
    private let canary = "CANARY"
    private let user = UserID(rawValue: "user")
    private let place = MessageRef(sender: DeviceID(rawValue: "device"), message: MessageID(rawValue: "message"))

    private var message: Message {
        Message(
            reference: place, key: ItemKey(rawValue: "key"), sender: user, body: .text(canary),
            replyTo: Quote(message: place, text: canary), reactions: [Reaction(emoji: canary)])
    }

    private var change: StateChange {
        let subject = Subject(system: canary, value: canary)
        return StateChange(
            title: canary, bound: [subject], unbound: [subject], roles: [RoleChange(user: user, role: canary)])
    }

    func testWhatPeopleWrite() {
        let quote = Quote(message: place, text: canary)
        let item = Item(cursor: Cursor(rawValue: "cursor"), entry: .message(message))
        let amendment = Body.amendment(of: place, text: canary)
        for value: any Redacted in [
            NewMessage(canary), Body.text(canary), amendment, message, quote, Reaction(emoji: canary), change,
            Entry.message(message), Entry.about(change), TimelineItem(key: message.key, item: item),
            TimelineState(items: [TimelineItem(key: message.key, item: item)]),
        ] {
            check(value)
        }
    }

    func testConversationsAndPeople() {
        let row = ConversationSummary(
            title: canary, activityAt: Date(), last: Preview(key: message.key, sender: user, body: .text(canary)),
            draft: canary)
        let item = ConversationItem(id: ConversationID(rawValue: "id"), row: row)
        let member = Member(user: user, role: canary, name: canary)
        let subject = Subject(system: canary, value: canary)
        for value: any Redacted in [
            row, item, Preview(key: message.key, sender: user, body: .text(canary)), ConversationsState(items: [item]), member,
            Person(subject: canary, user: user, name: canary), subject, RoleChange(user: user, role: canary),
            ConversationInfo(
                id: item.id, title: canary, subjects: [subject], roster: [member], activityAt: Date()),
        ] {
            check(value)
        }
    }

    func testWhatIsReadAndFound() {
        let cursor = Cursor(rawValue: "cursor")
        let item = Item(cursor: cursor, entry: .message(message))
        let hit = Hit(
            conversation: ConversationID(rawValue: "id"), message: place, cursor: cursor, snippet: canary)
        for value: any Redacted in [
            item, Page(items: [item]), hit, SearchPage(hits: [hit]), SavedDraft(text: canary, savedAt: Date()),
        ] {
            check(value)
        }
    }

    func testWhoseProfileItIs() {
        let account = Account(
            tenant: TenantID(rawValue: "tenant"), user: user, device: DeviceID(rawValue: "device"))
        let owner = ProfileOwner.account(account, label: canary)
        for value: any Redacted in [
            owner, ProfileEntry(profile: ProfileID(rawValue: "profile"), owner: owner),
            AccessContext(
                purposeOfUse: canary, role: canary, reasonCode: canary,
                disclosure: Disclosure(
                    recipient: canary, address: canary, summary: canary, purpose: canary, accountable: true)),
        ] {
            check(value)
        }
    }

    func testHowAClientIsOpened() {
        let proxy = Proxy(
            url: URL(string: "http://canary.example")!, user: canary, password: canary)
        var options = ClientOptions(
            root: URL(fileURLWithPath: "/CANARY"), relay: URL(string: "https://canary.example")!)
        options.proxy = proxy
        for value: any Redacted in [proxy, options, CreateOptions(title: canary)] {
            check(value)
        }
        // Bytes show as numbers, where no word would be found.
        var dumped = ""
        let key = StoreKey(bytes: Data(canary.utf8))
        dump(key, to: &dumped)
        XCTAssertEqual("\(key)", "StoreKey(redacted)")
        XCTAssertEqual(String(reflecting: key), "StoreKey(redacted)")
        XCTAssertEqual(dumped, "- StoreKey(redacted)\n")
    }

    /// Alone, and inside of what holds it.
    private func check(_ value: any Redacted, line: UInt = #line) {
        struct Screen { let content: any Redacted }
        let holders: [Any] = [value, [value], Optional.some(value) as Any, ["key": value], (1, value), Screen(content: value)]
        for holder in holders {
            var dumped = ""
            dump(holder, to: &dumped)
            let forms = "\(holder) \(String(describing: holder)) \(String(reflecting: holder)) \(dumped)"
            XCTAssertFalse(forms.lowercased().contains("canary"), "\(type(of: value))", line: line)
        }
    }
}
