//! Steps around the app: processes, relay, network, tokens, vault, clock, disk; and those that end or wake it.

use std::time::Duration;

use serde_json::{Value, json};

use super::Player;
use super::act::refusal;
use crate::driver::Answer;
use crate::error::Broken;
use crate::proxy::{Way, Weather};
use crate::scenario::Args;
use crate::stage::{Seat, Trouble};

/// How long a sign-out may try to send what waits, and how long where it is expected not to succeed.
const SIGN_OUT_MS: u64 = 20_000;
const CANNOT_SEND_MS: u64 = 300;
/// How long background work may take. Phones give 20 to 30 seconds.
const BACKGROUND_MS: u64 = 20_000;

impl Player<'_> {
    pub(super) async fn names(&self, verb: &str, names: &[&str]) -> Result<(), Trouble> {
        let seats: Result<Vec<_>, _> = names.iter().map(|name| self.stage.seat(name)).collect();
        let seats = seats?;
        let each = seats.into_iter().map(|seat| async move {
            match verb {
                "start" => self.start(seat).await,
                "kill" => seat.kill().await,
                "quit" => seat.quit().await,
                _ => self.settle(seat).await,
            }
        });
        futures_util::future::join_all(each).await.into_iter().collect()
    }

    /// As a person would: the app is opened, signed in the first time, and online.
    async fn start(&self, seat: &Seat) -> Result<(), Trouble> {
        if seat.driver().await.is_none() {
            refusal("open", seat.launch().await?, None)?;
        }
        self.go_online(seat, None).await
    }

    async fn go_online(&self, seat: &Seat, error: Option<&str>) -> Result<(), Trouble> {
        let signed_in = seat.sign_in().await?;
        let failed = matches!(signed_in, Answer::Refused(_));
        if failed || error.is_some() {
            refusal("sign_in", signed_in, error)?;
            return seat.learn().await;
        }
        seat.call("start", json!({})).await?;
        self.until(None, || async {
            let now = seat.call("connection", json!({})).await?;
            if now["state"] == "live" {
                return Ok(());
            }
            Err(Trouble::Unmet(format!("{} is not live but {now}", seat.actor.name)))
        })
        .await
    }

    async fn settle(&self, seat: &Seat) -> Result<(), Trouble> {
        self.until(None, || async {
            let outbox = seat.call("outbox", json!({})).await?;
            if outbox["waiting"] == 0 {
                return Ok(());
            }
            Err(Trouble::Unmet(format!(
                "{} of {} wait to be sent",
                outbox["waiting"], seat.actor.name
            )))
        })
        .await
    }

    pub(super) async fn relay(&self, word: &str) -> Result<(), Trouble> {
        let relay = &self.stage.relay;
        match word {
            "kill" => relay.kill().await?,
            "stop" => relay.stop().await?,
            "start" => relay.start_again().await?,
            "backup" => relay.backup().await?,
            "restore" => relay.restore().await?,
            _ => {
                relay.stop().await?;
                relay.start_again().await?;
            }
        }
        Ok(())
    }

    pub(super) async fn around(&self, verb: &str, args: &Args) -> Result<(), Trouble> {
        let who = args.who.as_ref().map_or("", |who| who.value.as_str());
        let seat = self.stage.seat(who)?;
        let error = args.error.as_ref().map(|error| error.value.as_str());
        let is = args.is.as_ref().map_or("", |is| is.value.as_str());
        match verb {
            "launch" => refusal("open", seat.launch().await?, error).map(drop),
            "go_online" => self.go_online(seat, error).await,
            "network" => {
                seat.set_weather(Weather {
                    way: match is {
                        "cut" => Way::Cut,
                        "reset" => Way::Reset,
                        "stalled" => Way::Stalled,
                        _ => Way::Up,
                    },
                    latency: Duration::from_millis(args.latency_ms.as_ref().map_or(0, |latency| latency.value)),
                    bytes_per_s: args.bytes_per_s.as_ref().map(|width| width.value),
                });
                // What a phone does when its network comes back.
                if is == "up" && seat.driver().await.is_some() {
                    seat.call("network_changed", json!({})).await?;
                }
                Ok(())
            }
            "tokens" => seat.issue(&self.stage.relay, is),
            "vault" => {
                seat.set_vault(args.answers.as_ref().map_or("key", |answers| answers.value.as_str()))
                    .await
            }
            "key" => seat.set_key(is == "right"),
            "clock" => seat.turn_clock(args.days.as_ref().map_or(0, |days| days.value)),
            "disk" => {
                let disk = seat
                    .disk()
                    .ok_or_else(|| Broken::new(format!("{who} has no disk of their own")))?;
                if is == "full" { disk.fill() } else { disk.free() }
            }
            "phone" => seat.set_back(is == "restored").await,
            "profiles" => self.profiles(seat, args).await,
            "sign_out" => self.sign_out(seat, args).await,
            "background" => self.background(seat, args, error).await,
            "push" => self.push(seat, args, error).await,
            "approve" => self.approve(seat, args).await,
            _ => {
                let device = self.other(args)?;
                let revoked = seat
                    .ask("revoke_device", json!({ "device": device.device()? }), false)
                    .await?;
                refusal("revoke_device", revoked, error).map(drop)
            }
        }
    }

    fn other(&self, args: &Args) -> Result<&Seat, Trouble> {
        self.stage
            .seat(args.device.as_ref().map_or("", |device| device.value.as_str()))
    }

    /// Profiles on this phone that are somebody's.
    async fn profiles(&self, seat: &Seat, args: &Args) -> Result<(), Trouble> {
        let found = seat.profiles().await?;
        let owned = found
            .as_array()
            .into_iter()
            .flatten()
            .filter(|entry| entry["owner"] == "account")
            .count();
        let wanted = args.count.as_ref().map_or(0, |count| count.value);
        if owned as u64 == wanted {
            return Ok(());
        }
        Err(Trouble::Unmet(format!(
            "{owned} profiles are somebody's, {wanted} were expected: {found}"
        )))
    }

    async fn sign_out(&self, seat: &Seat, args: &Args) -> Result<(), Trouble> {
        let discard = args.discard.as_ref().is_some_and(|discard| discard.value);
        let deadline = if args.unsent.is_some() {
            CANNOT_SEND_MS
        } else {
            SIGN_OUT_MS
        };
        let ask = json!({ "deadline_ms": deadline, "unsent": if discard { "discard" } else { "keep" } });
        let outcome = seat.call("sign_out", ask).await?;
        let left = outcome["waiting"].as_u64().unwrap_or_default() + outcome["failed"].as_u64().unwrap_or_default();
        let out = outcome["signed_out"] == true;
        match &args.unsent {
            Some(unsent) if out || left != unsent.value => Err(Trouble::Unmet(format!(
                "expected to be told of {} unsent and to stay signed in, got {outcome}",
                unsent.value
            ))),
            Some(_) => Ok(()),
            None if !out => Err(Trouble::Unmet(format!("not signed out: {outcome}"))),
            None => seat.signed_out().await,
        }
    }

    async fn background(&self, seat: &Seat, args: &Args, error: Option<&str>) -> Result<(), Trouble> {
        let answer = seat
            .ask("run_background", json!({ "deadline_ms": BACKGROUND_MS }), false)
            .await?;
        match refusal("run_background", answer, error)? {
            Some(outcome) => done_in_background(&outcome, args),
            None => Ok(()),
        }
    }

    /// As the platform does: wakes the app with what the relay has sent for it.
    async fn push(&self, seat: &Seat, args: &Args, error: Option<&str>) -> Result<(), Trouble> {
        let name = &seat.actor.name;
        let token = std::sync::Mutex::new(None);
        self.until(None, || async {
            let mut token = token.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *token = self.stage.relay.gateway().take(name);
            match *token {
                Some(_) => Ok(()),
                None => Err(Trouble::Unmet(format!("no push came for {name}"))),
            }
        })
        .await?;
        let token = token.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ask = json!({ "token": token, "deadline_ms": BACKGROUND_MS });
        let Some(answer) = refusal("handle_push", seat.ask("handle_push", ask, false).await?, error)? else {
            return Ok(());
        };
        if answer["mine"] != true {
            return Err(Trouble::Unmet("the push is not for this profile".to_owned()));
        }
        done_in_background(&answer["outcome"], args)
    }

    /// As two people in front of their devices: the codes are compared first.
    async fn approve(&self, seat: &Seat, args: &Args) -> Result<(), Trouble> {
        let other = self.other(args)?;
        self.until(None, || async {
            let shown = other.call("approval_code", json!({})).await?;
            let waiting = seat.call("waiting_devices", json!({})).await?;
            let found = waiting
                .as_array()
                .into_iter()
                .flatten()
                .find(|one| one["code"] == shown);
            let found = found.filter(|_| shown != Value::Null);
            let found = found.ok_or_else(|| Trouble::Unmet(format!("none of {waiting} shows {shown}")))?;
            seat.call("approve_device", json!({ "device": found["device"] }))
                .await
                .map(drop)
        })
        .await?;
        other.call("wait_for_approval", json!({})).await?;
        other.learn().await
    }
}

/// What background work has said, compared with what is expected.
fn done_in_background(outcome: &Value, args: &Args) -> Result<(), Trouble> {
    let wanted = [
        ("complete", args.complete.as_ref().map(|complete| json!(complete.value))),
        (
            "new_messages",
            args.new_messages.as_ref().map(|count| json!(count.value)),
        ),
        ("waiting", args.waiting.as_ref().map(|count| json!(count.value))),
    ];
    for (key, value) in wanted {
        if value.is_some_and(|value| outcome[key] != value) {
            return Err(Trouble::Unmet(format!("`{key}` is not as expected: {outcome}")));
        }
    }
    Ok(())
}
