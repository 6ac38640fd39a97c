//! What a request that got no answer died of. Only the class is kept: texts of transport errors may hold addresses.

use std::error::Error as StdError;
use std::io;

use curo_types::ErrorCode;
use rustls::CertificateError;

use super::tls::PinMismatch;
use crate::error::Fault;

/// Nobody who can be trusted has answered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unreached {
    Pin,
    Tls,
    Offline(&'static str),
}

impl From<Unreached> for Fault {
    fn from(unreached: Unreached) -> Self {
        match unreached {
            Unreached::Pin => Self::Code(ErrorCode::PIN_MISMATCH),
            Unreached::Tls => Self::Code(ErrorCode::TLS_FAILED),
            Unreached::Offline(reason) => Self::Offline(reason),
        }
    }
}

pub(super) fn unreached(error: &reqwest::Error) -> Unreached {
    match tls(error) {
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(other))) if other.0.is::<PinMismatch>() => {
            Unreached::Pin
        }
        Some(_) => Unreached::Tls,
        None => Unreached::Offline(if error.is_timeout() {
            "time-out"
        } else if error.is_connect() {
            "no connection"
        } else {
            "connection broke"
        }),
    }
}

/// The TLS error somewhere below. An `io::Error` does not name what it wraps as its source, but passes it over.
fn tls<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
