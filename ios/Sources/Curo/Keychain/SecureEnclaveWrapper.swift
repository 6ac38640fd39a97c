#if canImport(Security) && canImport(CryptoKit)
    import CryptoKit
    import Foundation
    import LocalAuthentication

    /// Wraps keys by the Secure Enclave: a private key that never leaves it agrees with an ephemeral one (P-256), and what they
    /// agree on seals the key (HKDF with SHA-256, AES-GCM). The profile's name is bound in: a record serves no other profile.
    struct SecureEnclaveWrapper: KeyWrapper {
        private let mode: VaultMode

        /// Nil on a device without one.
        init?(mode: VaultMode) {
            guard SecureEnclave.isAvailable else { return nil }
            self.mode = mode
        }

        func wrap(_ key: Data, name: String) throws(VaultFailure) -> WrappedKey {
            do {
                let flags: SecAccessControlCreateFlags =
                    mode == .userPresence ? [.privateKeyUsage, .userPresence] : .privateKeyUsage
                let access = SecAccessControlCreateWithFlags(
                    nil, kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly, flags, nil)
                guard let access else { throw VaultFailure.notReady }
                let chip = try SecureEnclave.P256.KeyAgreement.PrivateKey(accessControl: access)
                let ephemeral = P256.KeyAgreement.PrivateKey()
                // Agreed on the ephemeral side: making a key must not ask for the person.
                let secret = try ephemeral.sharedSecretFromKeyAgreement(with: chip.publicKey)
                let box = try AES.GCM.seal(key, using: sealingKey(secret, name: name))
                guard let combined = box.combined else { throw VaultFailure.notReady }
                return WrappedKey(
                    chipKey: chip.dataRepresentation, ephemeral: ephemeral.publicKey.x963Representation, box: combined)
            } catch {
                throw failure(error)
            }
        }

        func unwrap(_ wrapped: WrappedKey, name: String) throws(VaultFailure) -> Data {
            do {
                let chip = try SecureEnclave.P256.KeyAgreement.PrivateKey(dataRepresentation: wrapped.chipKey)
                let ephemeral = try P256.KeyAgreement.PublicKey(x963Representation: wrapped.ephemeral)
                let secret = try chip.sharedSecretFromKeyAgreement(with: ephemeral)
                let box = try AES.GCM.SealedBox(combined: wrapped.box)
                return try AES.GCM.open(box, using: sealingKey(secret, name: name))
            } catch {
                throw failure(error)
            }
        }

        private func sealingKey(_ secret: SharedSecret, name: String) -> SymmetricKey {
            secret.hkdfDerivedSymmetricKey(
                using: SHA256.self, salt: Data("curo store key".utf8), sharedInfo: Data(name.utf8), outputByteCount: 32)
        }

        /// Only a box that does not open is lost for good; what else goes wrong may pass.
        private func failure(_ error: any Error) -> VaultFailure {
            switch error {
            case let failure as VaultFailure: failure
            case CryptoKitError.authenticationFailure: .invalidated
            case is LAError: .userAuthNeeded
            default: .notReady
            }
        }
    }
#endif
