//! Reading what an app shows.

use serde_json::{Value, json};

use super::Player;
use crate::stage::{Seat, Trouble};

/// The most that a page takes.
const PAGE: u64 = 300;

impl Player<'_> {
    /// The newest items.
    pub(super) async fn latest(&self, seat: &Seat, conversation: &str) -> Result<Vec<Value>, Trouble> {
        let page = seat
            .call("page", json!({ "conversation": conversation, "limit": PAGE }))
            .await?;
        Ok(list(&page["items"]))
    }

    /// All items, oldest first, read from the newest page backwards.
    pub(super) async fn items(&self, seat: &Seat, conversation: &str, limit: u64) -> Result<Vec<Value>, Trouble> {
        let mut pages = Vec::new();
        let mut before = Value::Null;
        loop {
            let args = json!({ "conversation": conversation, "limit": limit, "before": before });
            let page = seat.call("page", args).await?;
            pages.push(list(&page["items"]));
            before = page["older"].clone();
            if before.is_null() {
                pages.reverse();
                return Ok(pages.concat());
            }
        }
    }

    /// All messages, oldest first.
    pub(super) async fn messages(&self, seat: &Seat, conversation: &str) -> Result<Vec<Value>, Trouble> {
        let mut items = self.items(seat, conversation, PAGE).await?;
        items.retain(is_message);
        Ok(items)
    }

    /// One line of a view.
    pub(super) fn shown(&self, item: &Value) -> String {
        let name = |user: &Value| {
            user.as_str()
                .map_or_else(String::new, |user| self.stage.user_name(user))
        };
        if !is_message(item) {
            return format!("  ({})\n", item["kind"].as_str().unwrap_or_default());
        }
        let text = item["text"]
            .as_str()
            .map_or_else(|| item["body"].to_string(), |text| text.chars().take(200).collect());
        let delivery = item["delivery"]
            .as_str()
            .map_or_else(String::new, |state| format!("  [{state}]"));
        format!("  {}: {text}{delivery}\n", name(&item["sender"]))
    }
}

pub(super) fn is_message(item: &Value) -> bool {
    item["kind"] == "message"
}

pub(super) fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

pub(super) fn strings(value: &Value) -> Vec<String> {
    let strings = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    strings.map(str::to_owned).collect()
}
