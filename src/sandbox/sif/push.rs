//! Brings messages to the agents that are registered for push mode.
//!
//! Reads: queues. Writes: acknowledged messages out of them. Never: two messages to one agent at once.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use roxmltree::Node;

use super::agent::Agent;
use super::api::Api;
use super::message::{child, parse, text_of};
use super::state::{Line, Queued};

/// How long an agent has for its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an agent that cannot be reached is left alone.
const PAUSE: Duration = Duration::from_millis(200);

/// What became of one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// The agent has it, or refuses it for good.
    Taken,
    /// An event that blocks further ones.
    Blocks,
    /// The agent sleeps.
    Asleep,
    /// No answer that can be read.
    Lost,
}

/// Delivers as long as the zone lives.
pub(super) async fn deliver(api: Arc<Api>) {
    let client = reqwest::Client::new();
    loop {
        let waiting = api.waiting();
        if waiting.is_empty() {
            api.push.notified().await;
            continue;
        }
        let each = waiting.into_iter().map(|(id, url, message)| {
            let client = &client;
            async move {
                let told = send(client, &url, &message).await;
                (id, message, told)
            }
        });
        let mut lost = false;
        for (id, message, told) in join_all(each).await {
            lost |= told == Told::Lost;
            api.settle(&id, &message, told);
        }
        if lost {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Api {
    /// For each push agent that is awake: its URL, and the message that it is to have next.
    fn waiting(&self) -> Vec<(String, String, Queued)> {
        let state = self.state();
        let awake = |(id, agent): (&String, &Agent)| {
            let url = agent.push.clone().filter(|_| !agent.asleep)?;
            Some((id.clone(), url, state.next(id)?.clone()))
        };
        state.agents.iter().filter_map(awake).collect()
    }

    fn settle(&self, id: &str, message: &Queued, told: Told) {
        let mut state = self.state();
        let Some(agent) = state.agents.get(id) else {
            return;
        };
        let line = match told {
            Told::Taken => Line::Take {
                from: id.to_owned(),
                seq: message.seq,
            },
            Told::Blocks => Self::changed(id, agent, |a| a.blocked = Some(message.id)),
            Told::Asleep => Self::changed(id, agent, |a| a.asleep = true),
            Told::Lost => return,
        };
        if let Err(error) = state.commit(vec![line]) {
            tracing::warn!(%error, "the zone cannot keep what an agent has taken");
        }
    }
}

async fn send(client: &reqwest::Client, url: &str, message: &Queued) -> Told {
    let request = client
        .post(url)
        .header("Content-Type", "application/xml;charset=\"utf-8\"")
        .timeout(PATIENCE)
        .body(message.body.clone());
    let answer = async { request.send().await?.error_for_status()?.text().await };
    match answer.await {
        Ok(body) => read(&body, message),
        Err(error) => {
            tracing::debug!(%error, "a push agent cannot be reached");
            Told::Lost
        }
    }
}

fn read(body: &str, message: &Queued) -> Told {
    let Ok(document) = parse(body) else {
        return Told::Lost;
    };
    let ack = child(document.root_element(), "SIF_Ack");
    let own = |ack: &Node<'_, '_>| text_of(*ack, "SIF_OriginalMsgId") == message.id.to_string();
    let Some(ack) = ack.filter(own) else {
        return Told::Lost;
    };
    match child(ack, "SIF_Status").map(|s| text_of(s, "SIF_Code")) {
        Some("2") if message.is_event() => Told::Blocks,
        Some("8") => Told::Asleep,
        _ => Told::Taken,
    }
}
