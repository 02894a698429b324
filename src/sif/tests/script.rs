//! A zone that hands out what it is given, keeps what it gets, and misbehaves when told to.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::objects::meta;
use crate::progress::Quiet;
use crate::sif::ack::{child, name, parse, text_of};
use crate::sif::{Agent, Desk, Profile, Shelf, Stay, SyncError, Zone, log::Log, pull};
use crate::xml::Version;

/// What the zone answers in place of a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// HTTP 503, and the message is not kept.
    Busy,
    /// The message is kept, and the connection closed without an answer.
    Lost,
    /// Status 8.
    Asleep,
    /// A SIF_Error; the message is not kept.
    Refuse(u8, u8),
    /// No SIF_Ack.
    Fatal,
}

/// Packet `number` of any response meets this trouble, the first time only.
pub(super) type Script = Vec<(u64, Trouble)>;

#[derive(Debug, Default)]
pub(super) struct State {
    /// Requests to be handed out: SIF_MsgId and the whole SIF_Message.
    pub(super) queue: VecDeque<(String, String)>,
    /// Packets that were kept, in order, whole.
    pub(super) packets: Vec<String>,
    /// SIF_MsgIds of messages that the agent took.
    pub(super) taken: Vec<String>,
    pub(super) script: Script,
    /// Whether it tells repeated messages by their SIF_MsgId.
    pub(super) tells_repeats: bool,
    ids: Vec<String>,
    /// Stops the run when so many packets were kept.
    pub(super) stop_at: Option<usize>,
}

#[derive(Clone)]
pub(super) struct Scripted {
    pub(super) state: Arc<Mutex<State>>,
    address: std::net::SocketAddr,
    pub(super) stop: Arc<watch::Sender<bool>>,
}

impl Scripted {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let zone = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::new(Mutex::new(State {
                tells_repeats: true,
                ..State::default()
            })),
            stop: Arc::new(watch::Sender::new(false)),
        };
        let served = zone.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(served.clone().serve(stream));
            }
        });
        zone
    }

    pub(super) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// An agent asks: `inside` is what follows SIF_Version.
    pub(super) fn ask(&self, msg_id: &str, version: &str, inside: &str) {
        let message = format!(
            "<SIF_Message Version=\"2.7\"><SIF_Request><SIF_Header><SIF_MsgId>{msg_id}</SIF_MsgId>\
             <SIF_SourceId>LIB</SIF_SourceId></SIF_Header><SIF_Version>{version}</SIF_Version>\
             {inside}</SIF_Request></SIF_Message>"
        );
        self.state().queue.push_back((msg_id.to_owned(), message));
    }

    /// An agent asks for all things.
    pub(super) fn ask_all(&self, msg_id: &str, buffer: usize) {
        self.ask(
            msg_id,
            "2.*",
            &format!(
                "<SIF_MaxBufferSize>{buffer}</SIF_MaxBufferSize><SIF_Query>\
                 <SIF_QueryObject ObjectName=\"Thing\"/></SIF_Query>"
            ),
        );
    }

    /// Our agent, with the things of this file, as a process of its own would have it.
    pub(super) fn desk(&self, folder: &Path, objects: &Path) -> Arc<Desk> {
        self.desk_of(folder, objects, "run-1")
    }

    pub(super) fn desk_of(&self, folder: &Path, objects: &Path, run: &str) -> Arc<Desk> {
        let settings = crate::load::tests::settings();
        let url = format!("http://{}/zone", self.address).parse().unwrap();
        let http = crate::load::client(&settings, None).unwrap();
        let log = Log::new(folder, false);
        let zone = Zone::new(url, http, None, settings, log, self.stop.subscribe());
        let profile = Profile {
            source_id: "SIS".to_owned(),
            name: "SIS".to_owned(),
            version: Version::new(2, 7),
            max_buffer: 1 << 20,
            push_url: None,
            contexts: vec!["SIF_Default".to_owned()],
        };
        let agent = Agent::new(Arc::new(zone), profile);
        let shelf = Shelf::open("Thing", objects, &meta(), None).unwrap();
        Arc::new(Desk::new(agent, vec![shelf], folder, run, Arc::new(Quiet)))
    }

    /// Serves until the zone has nothing more.
    pub(super) async fn sync(&self, desk: &Arc<Desk>) -> Result<(), SyncError> {
        let stay = Stay {
            poll_every: Duration::from_millis(1),
            idle_polls: Some(2),
            until: None,
            parallel: 4,
            expected: Default::default(),
            given: Default::default(),
            acknowledge_after: true,
        };
        pull(desk, &stay).await
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut buffer = Vec::new();
        loop {
            let Some(body) = read_request(&mut stream, &mut buffer).await else {
                return;
            };
            let (status, answer) = match self.answer(&body) {
                Some(answer) => answer,
                None => return,
            };
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n",
                answer.len()
            );
            let whole = [head.as_bytes(), answer.as_bytes()].concat();
            if stream.write_all(&whole).await.is_err() {
                return;
            }
        }
    }

    fn answer(&self, body: &str) -> Option<(u16, String)> {
        let document = parse(body).expect("a SIF_Message");
        let message = document.root_element().first_element_child().unwrap();
        let header = child(message, "SIF_Header").unwrap();
        let id = text_of(header, "SIF_MsgId").unwrap();
        let mut state = self.state();
        let ack = |inside: &str| {
            format!(
                "<SIF_Message Version=\"2.7\"><SIF_Ack><SIF_Header><SIF_MsgId>Z</SIF_MsgId>\
                 </SIF_Header><SIF_OriginalMsgId>{id}</SIF_OriginalMsgId>{inside}</SIF_Ack>\
                 </SIF_Message>"
            )
        };
        let code = |code: u8, data: &str| {
            let text = format!("<SIF_Status><SIF_Code>{code}</SIF_Code>{data}</SIF_Status>");
            Some((200, ack(&text)))
        };
        let error = |category: u8, code: u8| {
            let text = format!(
                "<SIF_Error><SIF_Category>{category}</SIF_Category><SIF_Code>{code}</SIF_Code>\
                 <SIF_Desc>as told</SIF_Desc></SIF_Error>"
            );
            Some((200, ack(&text)))
        };
        match name(message) {
            "SIF_SystemControl" => match state.queue.front() {
                Some((_, message)) => code(0, &format!("<SIF_Data>{message}</SIF_Data>")),
                None => code(9, ""),
            },
            "SIF_Ack" => {
                let of = text_of(message, "SIF_OriginalMsgId").unwrap();
                state.queue.retain(|(id, _)| *id != of);
                state.taken.push(of);
                code(0, "")
            }
            kind @ ("SIF_Response" | "SIF_Event" | "SIF_BundledEvents") => {
                if state.ids.contains(&id) && state.tells_repeats {
                    return code(7, "");
                }
                let number = text_of(message, "SIF_PacketNumber").map(|n| n.parse().unwrap());
                let number: u64 = number.unwrap_or(0);
                let request = text_of(message, "SIF_RequestMsgId").unwrap_or_default();
                let before = state
                    .packets
                    .iter()
                    .filter(|p| p.contains(&format!("<SIF_RequestMsgId>{request}<")))
                    .count() as u64;
                let at = state.script.iter().position(|(n, _)| *n == number);
                let trouble = at.map(|at| state.script.remove(at).1);
                match trouble {
                    Some(Trouble::Busy) => return Some((503, String::new())),
                    Some(Trouble::Asleep) => return code(8, ""),
                    Some(Trouble::Refuse(category, code)) => return error(category, code),
                    Some(Trouble::Fatal) => {
                        return Some((200, "<FATAL_ERROR>X</FATAL_ERROR>".to_owned()));
                    }
                    Some(Trouble::Lost) | None => {}
                }
                if kind == "SIF_Response" && number != before + 1 {
                    return error(8, 12);
                }
                state.ids.push(id.clone());
                state.packets.push(body.to_owned());
                if state.stop_at == Some(state.packets.len()) {
                    self.stop.send_replace(true);
                }
                match trouble {
                    Some(Trouble::Lost) => None,
                    _ => code(0, ""),
                }
            }
            _ => code(0, ""),
        }
    }
}

/// The body of the next request; None when the connection is closed.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        let text = String::from_utf8_lossy(buffer).to_ascii_lowercase();
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text.split("content-length:").nth(1)?.lines().next()?;
            let length: usize = length.trim().parse().ok()?;
            if buffer.len() >= end + 4 + length {
                let body = buffer[end + 4..end + 4 + length].to_vec();
                buffer.drain(..end + 4 + length);
                return String::from_utf8(body).ok();
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}
