//! Project Wycheproof's vectors, through the entry points that client and relay use:
//!
//! | primitive | entry point | used for |
//! |---|---|---|
//! | AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305 | OpenMLS's provider (aes-gcm 0.10) | MLS messages, HPKE |
//! | AES-256-GCM | aes-gcm 0.11 | vault, card, receipts |
//! | X25519, ECDH P-256 | hpke-rs with RustCrypto, as the provider calls it | HPKE of MLS |
//! | HKDF-SHA-256, HMAC-SHA-256 | OpenMLS's provider | MLS |
//! | Ed25519, ECDSA P-256 | `curo_mls::verify_signature`, which is the provider's | MLS, envelopes, leave requests, receipts |
//! | Ed25519 | ed25519-dalek's `verify_strict` | tips, log keys, account statements |
//! | ES256, ES384, EdDSA, RS256, PS256 | jsonwebtoken, keys from a JWK | access tokens |
//!
//! Wycheproof has no vectors for HPKE as a whole. TLS (ring) and SQLCipher (OpenSSL) choose their own and are not called from here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod aead;
mod agreement;
mod derivation;
mod signatures;
mod tokens;
mod verdict;
