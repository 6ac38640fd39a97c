//! The document of the API against a running relay: every call of it, well made and badly made from its own schemas.

use curo_mls::CommitPlan;
use curo_types::IntentId;
use curo_types::api::InboxItem;
use curo_types::format::RequestContext;
use reqwest::{Method, Response};
use serde_json::{Map, Value, json};

use crate::device::{Device, SECOND, SUITE, Talk, pair};
use crate::leaving::{approve, body, last_envelope, revocation, signed, vouched};
use crate::schema::Document;
use crate::world::{World, tenant};

const KEPT: &str = include_str!("../../../docs/openapi.json");

#[test]
fn the_kept_document_is_the_one_that_the_code_makes() {
    assert!(
        KEPT == curo_relay::openapi(),
        "docs/openapi.json is stale: renew it with `cargo run -p curo-relay -- openapi > docs/openapi.json`"
    );
}

#[tokio::test]
async fn the_relay_serves_its_document_to_anybody() {
    let world = World::start().await;
    let response = world.request(Method::GET, "/openapi.json").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    // The texts are long: a failure does not print them.
    assert!(response.text().await.unwrap() == KEPT, "another document is served");
}

/// One call of the document.
struct Call<'a> {
    document: &'a Document,
    id: &'a str,
    method: Method,
    path: &'a str,
    operation: &'a Value,
}

fn calls(document: &Document) -> Vec<Call<'_>> {
    let mut calls = Vec::new();
    for (path, item) in document.0["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            let method = method.to_uppercase().parse().unwrap();
            calls.push(Call {
                document,
                id,
                method,
                path,
                operation,
            });
        }
    }
    calls
}

#[tokio::test]
async fn every_call_answers_as_the_document_says() {
    let document = Document(serde_json::from_str(KEPT).unwrap());
    let calls = calls(&document);
    assert_eq!(calls.len(), 31, "a new call is driven here as well");
    for call in calls {
        // A relay for each: what one call does cannot help or hinder another.
        let scene = Scene::set(&call).await;
        call.drive(&scene).await;
    }
}

/// A relay in which the call has something to do, and what the call needs for that.
struct Scene {
    world: World,
    caller: Device,
    /// Members of the body, by name. What is not here is made from the schema.
    body: Map<String, Value>,
    /// Parameters in path and query.
    parameters: Map<String, Value>,
}

impl Scene {
    async fn set(call: &Call<'_>) -> Self {
        let asks = ["approveDevice", "refuseDevice"].contains(&call.id);
        let world = World::start_with(|config| {
            config.tenants[0].suites.push(SECOND);
            config.tenants[0].policy.device_approval = asks;
        })
        .await;
        let (mut anna, mut ben, talk, cursor) = pair(&world).await;
        let mut parameters = named(json!({"id": talk.id, "incarnation": 1}));
        let body = match call.id {
            "healthz" | "readyz" | "openapi" | "openSession" | "listDevices" | "readEntries" | "readIncarnations"
            | "sync" | "openStream" | "readGroupInfo" => json!({}),
            "registerDevice" => {
                anna = Device::unregistered(&world, &tenant(), "anna").await;
                json!({"envelope": curo_types::Blob(anna.envelope().to_bytes())})
            }
            "addKeys" => json!({"envelope": curo_types::Blob(anna.rotation(&world, SECOND).await.to_bytes())}),
            "queryDirectory" => json!({"users": [ben.user()]}),
            "findPeople" => json!({"subjects": ["ben"]}),
            "uploadKeyPackages" => json!({
                "one_time": anna.key_packages(1, false),
                "last_resort": anna.key_packages(1, true)[0],
            }),
            "claimKeyPackages" => json!({"users": [ben.user()]}),
            "createConversation" => {
                let key_package = anna.key_package_of(&world, ben.user()).await;
                let version = anna.version(&world).await;
                serde_json::to_value(anna.make(vec![key_package], version).1).unwrap()
            }
            "commit" => {
                let version = anna.version(&world).await;
                let commit = anna.make_commit(talk, CommitPlan::default(), version, Some(cursor));
                serde_json::to_value(commit.bundle).unwrap()
            }
            "sendMessages" => json!({"messages": [anna.encrypt(talk, IntentId::random(), 1, "hello")]}),
            "putPush" => json!({"registration": {"target": "phone", "token": "AAAAAAAAAAAAAAAAAAAAAA"}}),
            "putReceipt" => json!({"epoch": 1, "sealed": "AQID"}),
            "reportCommit" => {
                let version = anna.version(&world).await;
                let commit = anna.make_commit(talk, CommitPlan::default(), version, Some(cursor));
                let hash = curo_types::Digest::of(commit.bundle.commit.as_slice());
                anna.commit(&world, talk, commit.bundle).await.unwrap();
                let scene = json!({"epoch": 1, "commit": hash, "reason": "unreadable"});
                std::mem::swap(&mut anna, &mut ben);
                scene
            }
            "replayDirectory" => {
                let page = anna.directory(&world, &[ben.user()]).await;
                json!({"envelopes": [page.records[0].envelope]})
            }
            "replay" => {
                let path = format!("/v1/conversations/{}/entries?incarnation=1&after=0", talk.id);
                let page: curo_types::api::EntriesPage = anna.get(&world, &path).await.unwrap();
                json!({"after": 0, "after_h": curo_types::Digest::ZERO, "entries": page.entries, "tip": page.tip})
            }
            "askForDuty" => json!({"duty": "open_incarnation"}),
            "revokeDevice" => {
                let tablet = anna.sibling(&world, "anna").await;
                let previous = last_envelope(&world, &anna, tablet.id).await;
                let body = revocation(anna.user(), tablet.id, previous, anna.id);
                parameters.insert("id".into(), json!(tablet.id));
                serde_json::to_value(vouched(body, &anna)).unwrap()
            }
            "approveDevice" | "refuseDevice" => {
                let tablet = Device::unregistered(&world, &tenant(), "anna").await;
                let mut envelope = tablet.envelope();
                let refused = tablet.register(&world, &envelope.to_bytes()).await.unwrap_err();
                assert_eq!(refused.code.as_str(), "approval_pending");
                approve(&mut envelope, &anna);
                parameters.insert("id".into(), json!(tablet.id));
                json!({"envelope": curo_types::Blob(envelope.to_bytes())})
            }
            "leave" => serde_json::to_value(signed(body(&anna, talk, cursor.seq), &anna)).unwrap(),
            "readWinner" => {
                parameters.insert("epoch".into(), json!(0));
                json!({})
            }
            "readTree" => {
                parameters.insert("tree".into(), json!(tree_hash(&world, &mut ben, talk).await));
                json!({})
            }
            other => panic!("no scene for {other}"),
        };
        let mut body = named(body);
        body.insert("suite".into(), json!(SUITE));
        body.insert("suites".into(), json!([SUITE]));
        Self {
            world,
            caller: anna,
            body,
            parameters,
        }
    }
}

fn named(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

async fn tree_hash(world: &World, device: &mut Device, talk: Talk) -> String {
    let news = device.sync(world, None, 0).await.unwrap();
    match &news.inbox[0].item {
        InboxItem::Welcome {
            tree_hash,
            conversation,
            ..
        } if *conversation == talk.id => hex::encode(&tree_hash.0),
        other => panic!("no Welcome: {other:?}"),
    }
}

impl Call<'_> {
    /// Sends what must be refused, then what must be accepted.
    async fn drive(&self, scene: &Scene) {
        if self.operation.get("security").is_some() {
            self.without_token(scene).await;
        }
        self.with_bad_parameters(scene).await;
        let schema = &self.operation["requestBody"]["content"]["application/json"]["schema"];
        let body = schema.is_object().then(|| self.document.make(schema, &scene.body));
        if let Some(good) = &body {
            self.document.check(schema, good).unwrap();
            self.with_bad_bodies(scene, schema, good).await;
        }
        self.with_another_method(scene).await;
        let response = self
            .request(scene, &scene.parameters, body.as_ref())
            .send()
            .await
            .unwrap();
        let status = response.status();
        let answer = self.checked(response).await;
        assert_eq!(status, 200, "{}: {answer}", self.id);
    }

    async fn without_token(&self, scene: &Scene) {
        let path = self.path_with(&scene.parameters);
        let request = || scene.world.request(self.method.clone(), &path);
        for request in [request(), request().bearer_auth("nonsense")] {
            self.refused("a bad token", request.send().await.unwrap(), "unauthenticated")
                .await;
        }
        let bare = request().bearer_auth(&scene.caller.token).json(&json!({}));
        let needs_device = self.parameters().any(|parameter| parameter["in"] == "header");
        if needs_device {
            self.refused("no device", bare.send().await.unwrap(), "malformed").await;
            let unknown = RequestContext::new(Some(curo_types::DeviceId::random())).to_header();
            let request = request().bearer_auth(&scene.caller.token).json(&json!({}));
            let request = request.header(RequestContext::HEADER, unknown);
            self.refused("another device", request.send().await.unwrap(), "unknown_device")
                .await;
        }
    }

    async fn with_bad_parameters(&self, scene: &Scene) {
        for parameter in self.parameters() {
            let name = parameter["name"].as_str().unwrap();
            let schema = self.document.resolve(&parameter["schema"]);
            let (bad, code) = match parameter["in"].as_str().unwrap() {
                "path" => ("nonsense", "not_found"),
                "query" => ("nonsense", "malformed"),
                "header" => continue,
                other => panic!("a parameter in {other}"),
            };
            let text = Value::String(bad.into());
            // A sync token is opaque, so its schema takes any text.
            assert!(name == "token" || self.document.check(schema, &text).is_err(), "{name}");
            let mut parameters = scene.parameters.clone();
            parameters.insert(name.into(), text);
            self.refused_with(scene, name, &parameters, None, code).await;
            if let Some(least) = schema["minimum"].as_i64() {
                parameters.insert(name.into(), json!(least - 1));
                self.refused_with(scene, name, &parameters, None, code).await;
            }
            if parameter["in"] == "query" && parameter["required"] == true {
                parameters.remove(name);
                self.refused_with(scene, name, &parameters, None, code).await;
            }
        }
    }

    async fn with_bad_bodies(&self, scene: &Scene, schema: &Value, good: &Value) {
        let broken = self.document.broken(schema, good);
        assert!(!broken.is_empty());
        for broken in broken {
            self.refused_with(scene, &broken.what, &scene.parameters, Some(&broken.value), broken.code)
                .await;
        }
        let other = self
            .request(scene, &scene.parameters, None)
            .header("content-type", "text/plain");
        let response = other.body(good.to_string()).send().await.unwrap();
        self.refused("text", response, "unsupported_media_type").await;
    }

    async fn with_another_method(&self, scene: &Scene) {
        let path = self.path_with(&scene.parameters);
        let response = scene.world.request(Method::DELETE, &path).send().await.unwrap();
        assert_eq!(response.status(), 405, "{}", self.id);
        let problem = response.json().await.unwrap();
        let schema = json!({"$ref": "#/components/schemas/Problem"});
        self.document.check(&schema, &problem).unwrap();
    }

    async fn refused_with(
        &self,
        scene: &Scene,
        what: &str,
        parameters: &Map<String, Value>,
        body: Option<&Value>,
        code: &str,
    ) {
        let response = self.request(scene, parameters, body).send().await.unwrap();
        self.refused(what, response, code).await;
    }

    async fn refused(&self, what: &str, response: Response, code: &str) {
        let answer = self.checked(response).await;
        assert_eq!(answer["code"], code, "{}, {what}: {answer}", self.id);
    }

    /// The answer, if it is one that the document declares: status, media type, headers and body.
    async fn checked(&self, response: Response) -> Value {
        let status = response.status().as_u16().to_string();
        let declared = &self.operation["responses"][&status];
        assert!(
            declared.is_object(),
            "{} answers {status}: {:?}",
            self.id,
            response.text().await
        );
        let headers = response.headers().clone();
        assert!(headers.contains_key("curo-request-id"));
        let content = declared["content"].as_object().unwrap();
        let (media, content) = content.iter().next().unwrap();
        assert_eq!(headers["content-type"], media.as_str(), "{}", self.id);
        let body = if media == "application/x-ndjson" {
            first_line(response).await
        } else {
            response.json().await.unwrap()
        };
        if let Err(error) = self.document.check(&content["schema"], &body) {
            panic!("{} {status}: {error}\n{body}", self.id);
        }
        body
    }

    fn request(&self, scene: &Scene, parameters: &Map<String, Value>, body: Option<&Value>) -> reqwest::RequestBuilder {
        let path = self.path_with(parameters);
        let request = scene.caller.request(&scene.world, self.method.clone(), &path);
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    fn parameters(&self) -> impl Iterator<Item = &Value> {
        let all = self.operation["parameters"].as_array().into_iter().flatten();
        all.map(|parameter| self.document.resolve(parameter))
    }

    fn path_with(&self, values: &Map<String, Value>) -> String {
        let mut path = self.path.to_owned();
        let mut query = Vec::new();
        for parameter in self.parameters() {
            let name = parameter["name"].as_str().unwrap();
            let Some(value) = values.get(name) else { continue };
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if parameter["in"] == "path" {
                path = path.replace(&format!("{{{name}}}"), &text);
            } else {
                query.push(format!("{name}={text}"));
            }
        }
        assert!(!path.contains('{'), "{path}");
        if query.is_empty() {
            path
        } else {
            format!("{path}?{}", query.join("&"))
        }
    }
}

async fn first_line(mut response: Response) -> Value {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            return serde_json::from_slice(&bytes[..end]).unwrap();
        }
        bytes.extend_from_slice(&response.chunk().await.unwrap().expect("a line"));
    }
}
