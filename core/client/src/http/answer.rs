//! Reading answers: bounded, and told apart from what others say in the relay's place.

use std::time::SystemTime;

use curo_types::ErrorCode;
use curo_types::api::{Problem, limits};
use futures_util::StreamExt as _;
use reqwest::header::{self, HeaderMap};
use reqwest::{Response, StatusCode};

use super::failure::unreached;
use crate::error::Fault;

/// No wait that the relay asks for is longer: a wrong clock or a wrong relay must not silence a client for days.
const LONGEST_WAIT_MS: u64 = 3600 * 1000;

/// The relay speaks JSON and JSON lines, never sends anybody elsewhere, and is not 511 (RFC 6585 section 6). A page or a
/// redirect is a captive portal's, a filter's or a broken server's in front.
pub(super) fn is_relay(response: &Response) -> bool {
    let status = response.status();
    if status.is_redirection() || status == StatusCode::NETWORK_AUTHENTICATION_REQUIRED {
        return false;
    }
    let Some(media) = response.headers().get(header::CONTENT_TYPE) else {
        // What it is shows when it is read.
        return true;
    };
    let media = media.to_str().unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence == "application/x-ndjson" || essence.ends_with("+json")
}

/// A body of at most [`limits::ANSWER_BYTES`].
pub(super) async fn read_bounded(response: Response) -> Result<Vec<u8>, Fault> {
    let too_large = || Fault::BadRelay("answer too large");
    let announced = response.content_length().unwrap_or(0);
    if announced > limits::ANSWER_BYTES as u64 {
        return Err(too_large());
    }
    let mut body = Vec::with_capacity(usize::try_from(announced).unwrap_or(0));
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| Fault::from(unreached(&error)))?;
        if body.len() + chunk.len() > limits::ANSWER_BYTES {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The problem document of a refusal; whatever else answered is not the relay.
pub(super) async fn read_problem(response: Response) -> Result<Problem, Fault> {
    let status = response.status();
    let retry_after = retry_after_ms(response.headers(), SystemTime::now());
    let genuine = is_relay(&response);
    if genuine {
        let body = read_bounded(response).await?;
        if let Ok(mut problem) = serde_json::from_slice::<Problem>(&body) {
            problem.retry_after_ms = problem.retry_after_ms.or(retry_after).map(|ms| ms.min(LONGEST_WAIT_MS));
            return Ok(problem);
        }
    }
    // A load balancer in front of the relay has its own way to say that it is overloaded.
    match status {
        StatusCode::TOO_MANY_REQUESTS => Ok(Problem {
            retry_after_ms: retry_after,
            ..Problem::new(ErrorCode::RATE_LIMITED)
        }),
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Ok(Problem {
            retry_after_ms: retry_after,
            ..Problem::new(ErrorCode::UNAVAILABLE)
        }),
        _ if genuine => Err(Fault::BadRelay("refusal without problem document")),
        _ => Err(Fault::Code(ErrorCode::CAPTIVE_PORTAL)),
    }
}

/// `Retry-After` (RFC 9110 section 10.2.3) in seconds or as a date, at most an hour. A date counts from the answer's own
/// `Date`, so that a wrong clock of this device does no harm; from `now` where there is none.
fn retry_after_ms(headers: &HeaderMap, now: SystemTime) -> Option<u64> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let after = text(header::RETRY_AFTER)?;
    let ms = if !after.is_empty() && after.bytes().all(|digit| digit.is_ascii_digit()) {
        // Too many digits for a number are a long time.
        after.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1000)
    } else {
        let at = httpdate::parse_http_date(after).ok()?;
        let from = text(header::DATE).and_then(|date| httpdate::parse_http_date(date).ok());
        let wait = at.duration_since(from.unwrap_or(now)).unwrap_or_default();
        u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
    };
    Some(ms.min(LONGEST_WAIT_MS))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn wait(pairs: &[(header::HeaderName, &str)]) -> Option<u64> {
        // 6 November 1994, 08:49:37: the date of RFC 9110's examples.
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let headers = pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect();
        retry_after_ms(&headers, now)
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date_and_capped() {
        let after = |text| wait(&[(header::RETRY_AFTER, text)]);
        assert_eq!(wait(&[]), None);
        assert_eq!(after("0"), Some(0));
        assert_eq!(after(" 120 "), Some(120_000));
        assert_eq!(after("3601"), Some(3_600_000));
        assert_eq!(after("99999999999999999999999999"), Some(3_600_000));
        for nonsense in ["", "-1", "+5", "1.5", "soon", "Sun, 99 Nov 1994 08:50:07 GMT"] {
            assert_eq!(after(nonsense), None, "{nonsense}");
        }
        assert_eq!(after("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30_000));
        assert_eq!(after("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(after("Sat, 06 Nov 2094 08:00:00 GMT"), Some(3_600_000));
    }

    #[test]
    fn a_date_counts_from_the_answers_own_clock() {
        let waited = wait(&[
            (header::RETRY_AFTER, "Tue, 07 Nov 2000 00:00:10 GMT"),
            (header::DATE, "Tue, 07 Nov 2000 00:00:00 GMT"),
        ]);
        assert_eq!(waited, Some(10_000));
    }
}
