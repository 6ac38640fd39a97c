//! Processes that can be stopped dead, and what starts them again.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use curo::{ConversationId, IntentId, MessageId, UserId};
use curo_kit::TestRelay;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;

const HOUR: Duration = Duration::from_secs(3600);
const SIGABRT: i32 = 6;

/// A fail point, and at which of its passes the process stops dead.
pub type Death = (String, u64);

/// The process has ended.
#[derive(Debug)]
pub struct Ended(ExitStatus);

impl Ended {
    /// Fails the test if it did not stop dead as planned.
    fn as_planned(&self) {
        assert_eq!(self.0.signal(), Some(SIGABRT), "a process ended by itself: {}", self.0);
    }
}

/// A running `curo-e2e-child`. Killed when dropped.
pub struct Child {
    process: std::process::Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Child {
    pub fn start(order: &Value) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_curo-e2e-child"))
            .arg(order.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let requests = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self {
            process,
            requests,
            answers,
        }
    }

    /// The next line. Blocks in place: the runtime's other work goes on.
    pub fn hear(&mut self) -> Result<Value, Ended> {
        let mut line = String::new();
        tokio::task::block_in_place(|| self.answers.read_line(&mut line)).unwrap();
        if !line.ends_with('\n') {
            return Err(Ended(tokio::task::block_in_place(|| self.process.wait()).unwrap()));
        }
        Ok(serde_json::from_str(&line).unwrap())
    }

    /// Asks and waits for the answer.
    pub fn call(&mut self, request: &Value) -> Result<Value, Ended> {
        // Writing to a process that has just died fails; the answer that does not come says so too.
        if let Some(requests) = &mut self.requests {
            let _ = writeln!(requests, "{request}");
        }
        self.hear()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // As a test ends: nothing to do where it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A person whose client runs in a process that dies as planned, and is started again from what is on disk.
pub struct Mover {
    order: Value,
    planned: Vec<Death>,
    plan: VecDeque<Death>,
    child: Option<Child>,
    begun: bool,
    pub user: UserId,
    pub device: Value,
    /// How often the process has died.
    pub deaths: usize,
    /// How often each fail point was passed in the lives that were ended from outside.
    pub passes: BTreeMap<String, u64>,
    _dir: TempDir,
}

impl Mover {
    /// Its lives end at the deaths of `plan`, one after the other; the last one does not end.
    pub fn new(relay: &TestRelay, subject: &str, plan: impl IntoIterator<Item = Death>) -> Self {
        let planned: Vec<_> = plan.into_iter().collect();
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root.der");
        std::fs::write(&root, relay.ca().root_der()).unwrap();
        let token = relay.issuer().mint(relay.tenant(), subject, HOUR);
        let order = json!({ "client": { "dir": dir.path(), "relay": relay.url(), "root": root, "token": token } });
        Self {
            order,
            plan: planned.iter().cloned().collect(),
            planned,
            child: None,
            begun: false,
            user: UserId([0; 16]),
            device: Value::Null,
            deaths: 0,
            passes: BTreeMap::new(),
            _dir: dir,
        }
    }

    /// From the next life on, steps fail at these points as often as told, for instance `5%return`.
    pub fn failing(mut self, points: &[(&str, &str)]) -> Self {
        self.order["fail"] = json!(points);
        self
    }

    fn try_call(&mut self, request: &Value) -> Result<Value, Ended> {
        if self.child.is_none() {
            let mut order = self.order.clone();
            order["die"] = json!(self.plan.front());
            self.child = Some(Child::start(&order));
            if self.begun {
                self.ask(&json!({ "do": "begin" }))?;
            }
        }
        self.ask(request)
    }

    fn ask(&mut self, request: &Value) -> Result<Value, Ended> {
        let answer = self.child.as_mut().unwrap().call(request);
        if let Err(ended) = &answer {
            ended.as_planned();
            self.child = None;
            self.deaths += 1;
            self.plan.pop_front();
        }
        let mut answer = answer?;
        if answer["error"] == "busy" {
            // A step was made to fail. What was refused was not done.
            assert!(!self.order["fail"].is_null(), "{request}: busy");
            return self.ask(request);
        }
        assert!(
            answer["error"].is_null(),
            "planned {:?}, died {} times: {request}: {}",
            self.planned,
            self.deaths,
            answer["error"]
        );
        Ok(answer["ok"].take())
    }

    /// Asks for what is refused, and returns the code.
    pub fn refused(&mut self, request: &Value) -> String {
        let answer = self.child.as_mut().unwrap().call(request).unwrap();
        answer["error"].as_str().unwrap().to_owned()
    }

    /// Asks for what the process does not survive.
    pub fn dies(&mut self, request: &Value) {
        assert!(self.try_call(request).is_err(), "{request} was survived");
    }

    /// Changes where pushes go.
    pub fn register_push(&mut self, target: &str) {
        self.call(&json!({ "do": "register_push", "target": target }));
    }

    /// Ends the pushes.
    pub fn unregister_push(&mut self) {
        self.call(&json!({ "do": "unregister_push" }));
    }

    /// The code that it shows while it waits for the approval of another device of its user; `None` once it is in. Started and
    /// live then, in every life from now on.
    pub fn asks_to_come_in(&mut self) -> Option<String> {
        let answer = self.call(&json!({ "do": "ask_in" }));
        let code = answer["code"].as_str().map(str::to_owned);
        if code.is_none() {
            self.begin();
        }
        code
    }

    /// Approves or refuses whoever waits.
    pub fn decides(&mut self, approve: bool) {
        self.call(&json!({ "do": "decide", "approve": approve }));
    }

    /// From now on a fail point does this: `return(full)`, `off`, …
    pub fn fail(&mut self, point: &str, how: &str) {
        self.call(&json!({ "do": "fail", "point": point, "how": how }));
    }

    /// Asks until it is answered: everything that is asked may be repeated.
    pub fn call(&mut self, request: &Value) -> Value {
        loop {
            if let Ok(answer) = self.try_call(request) {
                return answer;
            }
        }
    }

    /// Signs in, starts and waits for the live stream; from now on every life does so.
    pub fn begin(&mut self) {
        let account = self.call(&json!({ "do": "begin" }));
        self.begun = true;
        self.user = serde_json::from_value(account["user"].clone()).unwrap();
        self.device = account["device"].clone();
    }

    /// Ends the process by a signal that it cannot catch, and starts it again.
    pub fn kill_and_restart(&mut self) {
        for (point, passes) in self.passes() {
            *self.passes.entry(point).or_default() += passes;
        }
        self.child = None;
        self.call(&json!({ "do": "begin" }));
    }

    /// Ends the process by a signal that it cannot catch; the next request starts it again.
    pub fn pause(&mut self) {
        for (point, passes) in self.passes() {
            *self.passes.entry(point).or_default() += passes;
        }
        self.child = None;
    }

    /// Ends the process like that; before it starts again its groups are damaged.
    pub async fn damage_groups(&mut self) {
        for (point, passes) in self.passes() {
            *self.passes.entry(point).or_default() += passes;
        }
        self.child = None;
        crate::damage::groups(self._dir.path()).await;
        self.call(&json!({ "do": "begin" }));
    }

    fn conversations(&mut self) -> Vec<ConversationId> {
        serde_json::from_value(self.call(&json!({ "do": "conversations" }))).unwrap()
    }

    /// Creates one conversation, whatever happens in between.
    pub fn create(&mut self, people: &[UserId]) -> ConversationId {
        let before = self.conversations();
        loop {
            if let Ok(id) = self.try_call(&json!({ "do": "create", "people": people })) {
                return serde_json::from_value(id).unwrap();
            }
            if let Some(new) = self.conversations().iter().find(|id| !before.contains(id)) {
                return *new;
            }
        }
    }

    /// Sends one message, whatever happens in between.
    pub fn send(&mut self, conversation: ConversationId, text: &str) -> MessageId {
        let message = MessageId::random();
        self.call(&json!({ "do": "send", "conversation": conversation, "message": message, "text": text }));
        message
    }

    pub fn add(&mut self, conversation: ConversationId, people: &[UserId]) -> IntentId {
        let intent = self.call(&json!({ "do": "add", "conversation": conversation, "people": people }));
        serde_json::from_value(intent).unwrap()
    }

    pub fn renew(&mut self, conversation: ConversationId) -> IntentId {
        let intent = self.call(&json!({ "do": "renew", "conversation": conversation }));
        serde_json::from_value(intent).unwrap()
    }

    /// Leaves, and waits until the relay knows.
    pub fn leave(&mut self, conversation: ConversationId) {
        self.call(&json!({ "do": "leave", "conversation": conversation }));
        self.call(&json!({ "do": "until_left", "conversation": conversation }));
    }

    /// Changes the keys of its store.
    pub fn rekey(&mut self) {
        self.call(&json!({ "do": "rekey" }));
    }

    pub fn until_done(&mut self, conversation: ConversationId, intent: IntentId) {
        self.call(&json!({ "do": "done", "conversation": conversation, "intent": intent }));
    }

    pub fn until_text(&mut self, conversation: ConversationId, text: &str) {
        self.call(&json!({ "do": "until_text", "conversation": conversation, "text": text }));
    }

    pub fn until_delivered(&mut self, conversation: ConversationId, message: MessageId, people: u32) {
        let request =
            json!({ "do": "until_delivered", "conversation": conversation, "message": message, "people": people });
        self.call(&request);
    }

    /// Reads up to a text, and waits until the others are told.
    pub fn mark_read(&mut self, conversation: ConversationId, text: &str) {
        self.call(&json!({ "do": "mark_read", "conversation": conversation, "text": text }));
    }

    pub fn texts(&mut self, conversation: ConversationId) -> Vec<String> {
        serde_json::from_value(self.call(&json!({ "do": "texts", "conversation": conversation }))).unwrap()
    }

    /// Waits until nothing waits to be sent, and returns how much has failed.
    pub fn settled(&mut self) -> u64 {
        self.call(&json!({ "do": "settled" })).as_u64().unwrap()
    }

    fn passes(&mut self) -> BTreeMap<String, u64> {
        serde_json::from_value(self.call(&json!({ "do": "passes" }))).unwrap()
    }
}

/// How a [`RelayProcess`] stands.
#[derive(Clone, Copy, Default)]
struct Life {
    up: bool,
    deaths: usize,
}

/// A relay in a process that dies as planned and is started again at once. It takes the place of a stopped [`TestRelay`].
pub struct RelayProcess {
    life: watch::Receiver<Life>,
    requests: Arc<Mutex<Option<ChildStdin>>>,
    supervisor: Option<JoinHandle<()>>,
}

impl RelayProcess {
    /// Its lives end at the deaths of `plan`, one after the other; the last one does not end. Steps fail at the points of
    /// `failing`, as often as told.
    pub fn start(relay: &TestRelay, plan: impl IntoIterator<Item = Death>, failing: &[(&str, &str)]) -> Self {
        let order = json!({ "relay": write_config(relay), "fail": failing });
        let mut plan: VecDeque<_> = plan.into_iter().collect();
        let (lives, life) = watch::channel(Life::default());
        let requests = Arc::new(Mutex::new(None));
        let held = Arc::clone(&requests);
        let supervisor = std::thread::spawn(move || {
            loop {
                let mut order = order.clone();
                order["die"] = json!(plan.front());
                let mut child = Child::start(&order);
                *held.lock().unwrap() = child.requests.take();
                let mut heard = child.hear();
                if heard.is_ok() {
                    lives.send_modify(|life| life.up = true);
                    heard = child.hear();
                }
                let ended = heard.unwrap_err();
                if ended.0.success() {
                    return;
                }
                ended.as_planned();
                plan.pop_front();
                lives.send_modify(|life| {
                    *life = Life {
                        up: false,
                        deaths: life.deaths + 1,
                    }
                });
            }
        });
        Self {
            life,
            requests,
            supervisor: Some(supervisor),
        }
    }

    /// How often it has died.
    pub fn deaths(&self) -> usize {
        self.life.borrow().deaths
    }

    /// Waits until it has died so often and accepts requests.
    pub async fn until_died(&self, times: usize) {
        let again = |life: &Life| life.up && life.deaths == times;
        let mut life = self.life.clone();
        tokio::time::timeout(crate::SOON, life.wait_for(again))
            .await
            .unwrap()
            .unwrap();
    }

    /// Waits until it accepts requests.
    pub async fn until_up(&self) {
        self.life.clone().wait_for(|life| life.up).await.unwrap();
    }
}

impl Drop for RelayProcess {
    fn drop(&mut self) {
        // Its standard input ends, and it in good order with it.
        *self.requests.lock().unwrap() = None;
        if let Some(supervisor) = self.supervisor.take() {
            let ended = tokio::task::block_in_place(|| supervisor.join());
            assert!(
                ended.is_ok() || std::thread::panicking(),
                "the relay did not end as planned"
            );
        }
    }
}

/// The configuration of a stopped relay, for the real program.
fn write_config(relay: &TestRelay) -> std::path::PathBuf {
    let tenant = relay.issuer().tenant(relay.tenant());
    let curo_relay::JwksSource::Url { url, .. } = &tenant.jwks else {
        panic!("a development issuer serves its keys");
    };
    let kept = relay.tenant_config().and_then(|tenant| tenant.body_retention);
    let kept = kept.map_or_else(String::new, |kept| {
        format!("body_retention_days = {}\n", kept.as_secs() / (24 * 60 * 60))
    });
    let approval = relay
        .tenant_config()
        .is_some_and(|tenant| tenant.policy.device_approval);
    let kept = if approval {
        format!("{kept}device_approval = \"required\"\n")
    } else {
        kept
    };
    let cache = relay.limits().group_cache_bytes;
    let push = relay.push_config().map_or_else(String::new, |push| {
        format!("[push]\ngateway = {:?}\nretry_wait_ms = 10\n", push.gateway)
    });
    let file = relay.dir().join("relay.toml");
    let text = format!(
        "listen = \"{}\"\ndata_dir = {:?}\ndatabase_key_file = {:?}\n\
         [tls]\ncert = {:?}\nkey = {:?}\n\
         {push}[limits]\nheartbeat_ms = 1000\nshutdown_grace_ms = 3000\ngroup_cache_bytes = {cache}\n\
         [[tenants]]\nid = \"{}\"\nissuer = {:?}\naudience = {:?}\njwks_url = {url:?}\nalgorithms = [\"EdDSA\"]\n{kept}",
        relay.addr(),
        relay.data_dir(),
        relay.dir().join("database.key"),
        relay.tls().cert,
        relay.tls().key,
        tenant.id,
        tenant.issuer,
        tenant.audience,
    );
    std::fs::write(&file, text).unwrap();
    file
}
