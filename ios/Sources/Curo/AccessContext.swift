internal import CuroFFI

/// What an app says about calls that release, export, forward or administer. Without one a call counts as treatment.
///
/// Purpose, role, reason and the person stood in for may reach the relay: they must not name a patient. A disclosure never
/// leaves the device in the open.
public struct AccessContext: Hashable, Sendable, Redacted {
    /// The purpose of use, by its code in HL7 v3 ActReason: TREAT, ETREAT, BTG, HPAYMT, HOPERAT, PATRQT, PUBHLTH, HRESCH,
    /// HLEGAL, or one of the tenant's own; 1 to 64 of A-Z, digits and underscores.
    public var purposeOfUse: String
    /// The role in which the person acts, as the app names it: 1 to 64 bytes.
    public var role: String?
    /// A code of the tenant for the reason, as a break-glass dialog offers them: 1 to 64 bytes.
    public var reasonCode: String?
    /// The user in whose stead the person acts.
    public var onBehalfOf: UserID?
    /// What is disclosed to whom, where something is.
    public var disclosure: Disclosure?

    /// A reason. Its limits are checked where it is used.
    public init(
        purposeOfUse: String, role: String? = nil, reasonCode: String? = nil, onBehalfOf: UserID? = nil,
        disclosure: Disclosure? = nil
    ) {
        self.purposeOfUse = purposeOfUse
        self.role = role
        self.reasonCode = reasonCode
        self.onBehalfOf = onBehalfOf
        self.disclosure = disclosure
    }

    init(_ raw: CuroFFI.AccessContext) {
        self.init(
            purposeOfUse: raw.purposeOfUse, role: raw.role, reasonCode: raw.reasonCode,
            onBehalfOf: raw.onBehalfOf.map { UserID($0) }, disclosure: raw.disclosure.map { Disclosure($0) })
    }

    var raw: CuroFFI.AccessContext {
        CuroFFI.AccessContext(
            purposeOfUse: purposeOfUse, role: role, reasonCode: reasonCode, onBehalfOf: onBehalfOf?.rawValue,
            disclosure: disclosure?.raw)
    }
}

/// What is handed to somebody outside (45 CFR 164.528).
public struct Disclosure: Hashable, Sendable, Redacted {
    /// Who receives it.
    public var recipient: String
    /// Their address, if known.
    public var address: String?
    /// What is disclosed, in short.
    public var summary: String
    /// Why, or a copy of the request.
    public var purpose: String
    /// Whether it belongs into the accounting; disclosures for treatment, payment and operations do not.
    public var accountable: Bool

    /// A disclosure.
    public init(recipient: String, address: String? = nil, summary: String, purpose: String, accountable: Bool) {
        self.recipient = recipient
        self.address = address
        self.summary = summary
        self.purpose = purpose
        self.accountable = accountable
    }

    init(_ raw: CuroFFI.Disclosure) {
        self.init(
            recipient: raw.recipient, address: raw.address, summary: raw.description, purpose: raw.purpose,
            accountable: raw.accountable)
    }

    // `description` would be the text that Swift prints of a value.
    var raw: CuroFFI.Disclosure {
        CuroFFI.Disclosure(
            recipient: recipient, address: address, description: summary, purpose: purpose, accountable: accountable)
    }
}

/// Why calls are made.
extension Client {
    /// The reason that calls on this handle are made for; nil counts as treatment.
    public func access() throws(CuroError) -> AccessContext? {
        try crossing { try raw.access() }.map { AccessContext($0) }
    }

    /// The same client for calls that are made for another reason than treatment, in a role, for somebody else, or to
    /// disclose. Handles that come from it carry the same reason. Closing one of them closes them all.
    ///
    /// Fails with `invalid_argument` where a text is over its limit.
    public func withAccess(_ access: AccessContext) throws(CuroError) -> Client {
        Client(try crossing { try raw.withAccess(access: access.raw) })
    }
}

/// Why calls are made.
extension Conversation {
    /// The reason that calls on this handle are made for; nil counts as treatment.
    public func access() throws(CuroError) -> AccessContext? {
        try crossing { try raw.access() }.map { AccessContext($0) }
    }

    /// The same conversation for calls that are made for another reason, as ``Client/withAccess(_:)``.
    public func withAccess(_ access: AccessContext) throws(CuroError) -> Conversation {
        try crossing { try Conversation(try raw.withAccess(access: access.raw)) }
    }
}
