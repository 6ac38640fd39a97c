//! Every format that can be decoded, behind one name.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use curo_types::FormatError;
use curo_types::format::{AuthenticatedData, Content, Credential, Envelope, Leave, Receipt, RequestContext, StateBody};

/// The formats that [`Any::decode`] knows, by their names in the vectors.
pub const DECODABLE: [&str; 8] = [
    "credential",
    "authenticated_data",
    "content",
    "directory_envelope",
    "request_context",
    "receipt",
    "conversation_state",
    "leave_request",
];

#[derive(Clone, PartialEq, Debug)]
pub enum Any {
    Credential(Credential),
    Data(AuthenticatedData),
    Content(Content),
    Envelope(Envelope),
    Context(RequestContext),
    Receipt(Receipt),
    State(StateBody),
    Leave(Leave),
}

impl Any {
    pub fn decode(format: &str, bytes: &[u8]) -> Result<Self, FormatError> {
        match format {
            "credential" => Credential::from_bytes(bytes).map(Self::Credential),
            "authenticated_data" => AuthenticatedData::from_bytes(bytes).map(Self::Data),
            "content" => Content::from_bytes(bytes).map(Self::Content),
            "directory_envelope" => Envelope::from_bytes(bytes).map(Self::Envelope),
            "request_context" => RequestContext::from_header(&URL_SAFE_NO_PAD.encode(bytes)).map(Self::Context),
            "receipt" => Receipt::from_bytes(bytes).map(Self::Receipt),
            "conversation_state" => StateBody::from_bytes(bytes).map(Self::State),
            "leave_request" => Leave::from_bytes(bytes).map(Self::Leave),
            other => panic!("{other} cannot be decoded"),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Credential(value) => value.to_bytes(),
            Self::Data(value) => value.to_bytes(),
            Self::Content(value) => value.to_bytes().unwrap(),
            Self::Envelope(value) => value.to_bytes(),
            Self::Receipt(value) => value.to_bytes(),
            Self::State(value) => value.to_bytes().unwrap(),
            Self::Leave(value) => value.to_bytes(),
            Self::Context(value) => URL_SAFE_NO_PAD.decode(value.to_header()).unwrap(),
        }
    }
}
