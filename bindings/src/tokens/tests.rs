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
    let (tells, told) = std::sync::mpsc::channel();
    let token = ask(DEADLINE, move |reason, reply| {
        let counted = [
            reply.complete("CANARY".to_owned())?,
            reply.complete("another".to_owned())?,
            reply.fail()?,
        ];
        tells.send((reason, counted)).unwrap();
        Ok(())
    });
    assert!(!format!("{:?}", token.await.unwrap()).contains("CANARY"));
    assert_eq!(told.recv().unwrap(), (TokenReason::Refused, [true, false, false]));
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
    let (keeps, kept) = std::sync::mpsc::channel();
    let silent = ask(Duration::from_millis(50), move |_, reply| {
        keeps.send(reply).unwrap();
        Ok(())
    });
    assert_eq!(silent.await.unwrap_err(), NoToken);
    // On a busy machine the provider may not even have been called yet.
    let late = kept.recv().unwrap();
    assert!(!late.complete("too late".to_owned()).unwrap());
}
