//! The zone over HTTP: credentials, compression, faults, push agents.

use std::io::Write as _;
use std::time::Duration;

use super::*;
use crate::sandbox::sif::{Sandbox, Stats};

async fn start(change: impl FnOnce(&mut Options)) -> Sandbox {
    let mut options = Options::new(standard());
    change(&mut options);
    Sandbox::start(options).await.unwrap()
}

fn ping() -> String {
    let writer = Writer {
        version: "2.6".to_owned(),
        source: "SIS".to_owned(),
        bare_timestamps: false,
        context: "SIF_Default".to_owned(),
    };
    writer.message("SIF_SystemControl", Id::new(), None, |out| {
        out.push_str("<SIF_SystemControlData><SIF_Ping/></SIF_SystemControlData>");
    })
}

#[tokio::test]
async fn a_zone_is_met_at_its_url() {
    let zone = start(|o| o.basic = Some(("sis".to_owned(), "secret".to_owned()))).await;
    let client = reqwest::Client::new();
    let url = zone.zone_url();
    let refused = client.post(&url).body(ping()).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let known = |url: &str, body: Vec<u8>| {
        client
            .post(url)
            .basic_auth("sis", Some("secret"))
            .body(body)
    };
    let answer = known(&url, ping().into()).send().await.unwrap();
    assert_eq!(said(&answer.text().await.unwrap()), "0");
    let other = url.replace("/zis/sandbox", "/zis/Other");
    let answer = known(&other, ping().into()).send().await.unwrap();
    assert_eq!(
        answer.text().await.unwrap(),
        "<FATAL_ERROR>INVALID ZONE</FATAL_ERROR>"
    );
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(ping().as_bytes()).unwrap();
    let packed = known(&url, packed.finish().unwrap()).header("Content-Encoding", "gzip");
    let answer = packed.send().await.unwrap().text().await.unwrap();
    assert_eq!(said(&answer), "0");
    let unknown = known(&url, ping().into()).header("Content-Encoding", "br");
    assert_eq!(unknown.send().await.unwrap().status(), 415);
    zone.stop().await;
}

#[tokio::test]
async fn a_zone_may_want_a_secure_channel() {
    let zone = start(|o| o.secure = true).await;
    let client = reqwest::Client::new();
    let register = |mode: &str| {
        let writer = Writer {
            version: "2.6".to_owned(),
            source: "SIS".to_owned(),
            bare_timestamps: false,
            context: "SIF_Default".to_owned(),
        };
        let body = registration(65_536, mode);
        let message = writer.message("SIF_Register", Id::new(), None, |out| out.push_str(&body));
        client.post(zone.zone_url()).body(message)
    };
    let push = |url: &str| {
        format!(
            "<SIF_Mode>Push</SIF_Mode><SIF_Protocol Type=\"HTTP\" Secure=\"No\"><SIF_URL>{url}\
             </SIF_URL></SIF_Protocol>"
        )
    };
    let pull = "<SIF_Mode>Pull</SIF_Mode>";
    for (mode, by, code) in [
        (pull, "", "5/7"),
        (pull, "http", "5/7"),
        (&push("http://sis.example.org/"), "https", "5/7"),
        (&push("https://sis.example.org/"), "https", "0"),
        (pull, "https", "0"),
    ] {
        let request = register(mode).header("X-Forwarded-Proto", by);
        let answer = request.send().await.unwrap().text().await.unwrap();
        assert_eq!(said(&answer), code, "{mode} by {by}");
    }
    zone.stop().await;
}

#[tokio::test]
async fn faults_are_played() {
    let zone = start(|_| {}).await;
    let client = reqwest::Client::new();
    let url = zone.zone_url();
    let play = async |fault: &str| {
        let text = format!("{fault},message=SIF_SystemControl,limit=1");
        let text = match fault.contains(':') {
            true => text,
            false => text.replacen(',', ":", 1),
        };
        zone.set_faults(vec![text.parse().unwrap()]);
        let answer = client.post(&url).body(ping()).send().await;
        match answer {
            Ok(answer) => Ok((answer.status().as_u16(), answer.text().await)),
            Err(_) => Err(()),
        }
    };
    assert!(play("drop").await.is_err());
    assert_eq!(zone.stats(), Stats::default(), "not seen");
    assert!(play("drop-after").await.is_err());
    assert_eq!(zone.stats().messages.values().sum::<u64>(), 1);
    let text = async |fault: &str| play(fault).await.unwrap().1.unwrap();
    assert_eq!(said(&text("8").await), "8");
    assert_eq!(said(&text("error:code=8/11").await), "8/11");
    assert_eq!(text("fatal").await, "<FATAL_ERROR>XML FORMAT</FATAL_ERROR>");
    assert_eq!(play("500").await.unwrap().0, 500);
    assert!(play("truncated").await.unwrap().1.is_err());
    let other = text("other-ack").await;
    assert_eq!(said(&other), "0");
    assert_eq!(said(&text("slow:ms=1").await), "0");
    zone.stop().await;
}

/// A push agent that answers with one status after the other.
async fn agent(answers: Vec<u8>) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (send, receive) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        for code in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            let mut buffer = vec![0; 65_536];
            while !text.contains("</SIF_Message>") {
                let read = stream.read(&mut buffer).await.unwrap();
                text.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
            let body = text.split("\r\n\r\n").nth(1).unwrap();
            let document = parse(body).unwrap();
            let of = crate::sandbox::sif::message::original(&document);
            let writer = Writer {
                version: "2.6".to_owned(),
                source: "SIS".to_owned(),
                bare_timestamps: false,
                context: "SIF_Default".to_owned(),
            };
            let ack = writer.status(of, code, None);
            let answer = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{ack}",
                ack.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            let body = body.to_owned();
            send.send(body).unwrap();
        }
    });
    (url, receive)
}

#[tokio::test]
async fn a_push_agent_is_brought_its_messages() {
    let zone = start(|_| {}).await;
    let (url, mut got) = agent(vec![8, 1]).await;
    let inside = Zone(Arc::clone(&zone.api));
    let mode = format!(
        "<SIF_Mode>Push</SIF_Mode><SIF_Protocol Type=\"HTTP\" Secure=\"No\"><SIF_URL>{url}</SIF_URL></SIF_Protocol>"
    );
    inside.provider(&["StudentPersonal"]);
    assert_eq!(
        inside.say("SIS", "SIF_Register", &registration(65_536, &mode)),
        "0"
    );
    inside.library(&["StudentPersonal"]);
    let request = inside.request("StudentPersonal", 4096);
    let wait = Duration::from_secs(5);
    let first = tokio::time::timeout(wait, got.recv())
        .await
        .unwrap()
        .unwrap();
    assert!(first.contains(&request.to_string()));
    // It said that it sleeps: the request waits until it is awake.
    let asleep = || inside.0.state().agents["SIS"].asleep;
    for _ in 0..100 {
        if asleep() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(asleep());
    assert_eq!(zone.waiting("SIS"), 1);
    inside.control("SIS", "<SIF_Wakeup/>");
    let second = tokio::time::timeout(wait, got.recv())
        .await
        .unwrap()
        .unwrap();
    assert!(second.contains(&request.to_string()));
    for _ in 0..100 {
        if zone.waiting("SIS") == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(zone.waiting("SIS"), 0);
    zone.stop().await;
}
