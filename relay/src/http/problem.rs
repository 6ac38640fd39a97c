//! How the relay says no over HTTP: every refusal, from whatever layer, is a problem document (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use curo_types::api::{PROBLEM_MEDIA_TYPE, Problem};
use curo_types::{ErrorCode, FormatError};

use crate::auth::BearerError;

/// A refusal on its way to the caller.
#[derive(Debug)]
pub(crate) struct Reject {
    problem: Box<Problem>,
    storage: Option<&'static str>,
}

/// What is counted of a refusal; it travels with the answer, inside the relay.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) code: ErrorCode,
    /// The kind of trouble, if it was the storage's.
    pub(super) storage: Option<&'static str>,
}

impl Reject {
    pub(crate) fn new(code: ErrorCode) -> Self {
        Problem::new(code).into()
    }

    /// With a detail that names a rule or limit: a fixed sentence, never a part of the input.
    pub(crate) fn because(code: ErrorCode, detail: impl Into<String>) -> Self {
        Problem::new(code).with_detail(detail).into()
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::because(ErrorCode::MALFORMED, detail)
    }

    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::because(ErrorCode::TOO_LARGE, detail)
    }

    pub(crate) fn retry_after(code: ErrorCode, retry_after_ms: u64) -> Self {
        let mut problem = Problem::new(code);
        problem.retry_after_ms = Some(retry_after_ms);
        problem.into()
    }

    /// Notes that the storage is to blame.
    pub(super) fn of_storage(mut self, kind: &'static str) -> Self {
        self.storage = Some(kind);
        self
    }

    /// The code.
    pub(super) const fn code(&self) -> &ErrorCode {
        &self.problem.code
    }

    /// Only the code, for the last line of a live stream.
    pub(crate) fn into_code(self) -> ErrorCode {
        self.problem.code
    }
}

impl From<Problem> for Reject {
    fn from(problem: Problem) -> Self {
        Self {
            problem: Box::new(problem),
            storage: None,
        }
    }
}

impl From<FormatError> for Reject {
    fn from(error: FormatError) -> Self {
        let code = match error {
            FormatError::UnsupportedVersion { .. } => ErrorCode::UNSUPPORTED_VERSION,
            FormatError::TooLarge { .. } => ErrorCode::TOO_LARGE,
            FormatError::BadSignature { .. } => ErrorCode::REFUSED,
            _ => ErrorCode::MALFORMED,
        };
        Self::because(code, error.to_string())
    }
}

impl From<BearerError> for Reject {
    fn from(error: BearerError) -> Self {
        let mut reject = Self::because(error.code(), error.to_string());
        if error == BearerError::Unavailable {
            reject.problem.retry_after_ms = Some(5_000);
        }
        reject
    }
}

impl IntoResponse for Reject {
    fn into_response(self) -> Response {
        let Self { problem, storage } = self;
        let refused = Refused {
            code: problem.code.clone(),
            storage,
        };
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = problem.retry_after_ms.map(|ms| ms.div_ceil(1000));
        let mut response = (status, Json(problem)).into_response();
        response.extensions_mut().insert(refused);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            // RFC 6750 section 3.
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer error=\"invalid_token\""),
            );
        }
        response
    }
}
