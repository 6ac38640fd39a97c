#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use curo::TokenProvider as _;

use super::*;
use crate::error::CuroError;

struct Odd<F>(F);

impl<F: Fn(TokenReason, Arc<TokenReply>) -> Result<()> + Send + Sync> TokenProvider for Odd<F> {
    fn token(&self, reason: TokenReason, reply: Arc<TokenReply>) -> Result<()> {
        (self.0)(reason, reply)
    }
}

async fn ask(
    deadline: Duration,
    app: impl Fn(TokenReason, Arc<TokenReply>) -> Result<()> + Send + Sync + 'static,
) -> Result<AccessToken, NoToken> {
    let tokens = AppTokens::with_deadline(Arc::new(Odd(app)), deadline);
    tokens.token(curo::TokenReason::Refused).await
}

#[tokio::test]
async fn a_token_is_never_formatted_and_the_reason_comes_along() {
    let token = ask(DEADLINE, |reason, reply| {
        assert_eq!(reason, TokenReason::Refused);
        assert!(reply.complete("CANARY".to_owned())?);
        assert!(!reply.complete("another".to_owned())?);
        assert!(!reply.fail()?);
        Ok(())
    });
    assert!(!format!("{:?}", token.await.unwrap()).contains("CANARY"));
}

#[tokio::test]
async fn a_provider_that_misbehaves_has_no_token() {
    assert_eq!(
        ask(DEADLINE, |_, reply| reply.fail().map(drop)).await.unwrap_err(),
        NoToken
    );
    assert_eq!(ask(DEADLINE, |_, _| Ok(())).await.unwrap_err(), NoToken);
    assert_eq!(
        ask(DEADLINE, |_, _| Err(CuroError::internal())).await.unwrap_err(),
        NoToken
    );
    assert_eq!(ask(DEADLINE, |_, _| panic!("CANARY")).await.unwrap_err(), NoToken);
    let kept = Arc::new(std::sync::Mutex::new(None));
    let keeps = Arc::clone(&kept);
    let silent = ask(Duration::from_millis(50), move |_, reply| {
        *keeps.lock().unwrap() = Some(reply);
        Ok(())
    });
    assert_eq!(silent.await.unwrap_err(), NoToken);
    let late = kept.lock().unwrap().take().unwrap();
    assert!(!late.complete("too late".to_owned()).unwrap());
}
