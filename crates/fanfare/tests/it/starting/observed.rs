//! What an application tells of itself: metrics and log lines.

use std::{io::Write, sync::Arc, time::Duration};

use fanfare::{App, Attempt, Context, Event, Failure, RawEvent, testing::TestApp};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{StepTaken, step};

async fn fine(_: StepTaken) {}
async fn fails(_: StepTaken) -> Result<(), Failure> {
    tracing::info!("about to fail");
    Err(Failure::permanent("broken"))
}

#[derive(Event, Serialize, Deserialize)]
#[event(type = "work.begun")]
struct Begun {
    number: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(type = "work.ended")]
struct Ended {
    number: u32,
}

/// Its first attempt fails: what it would have published counts for nothing.
async fn makes(event: Begun, context: Context, Attempt(attempt): Attempt) -> Result<(Ended, Ended), String> {
    context.publish(RawEvent::empty("nobody.cares"));
    if attempt == 1 {
        return Err("once".into());
    }
    Ok((Ended { number: event.number }, Ended { number: 0 }))
}

#[tokio::test(start_paused = true)]
async fn metrics_count_what_happened_to_each_group() {
    let app = App::new("test").role("workers").on(fine).on(fails).on(makes);
    let app = TestApp::start(app).await.unwrap();
    app.publish(step("a", 0)).await;
    app.publish(RawEvent::empty("nobody.cares")).await;
    app.publish(Begun { number: 1 }).await;
    app.advance(Duration::from_secs(2)).await;
    let text = app.running().metrics().await;
    let of = |handler: &str| format!("{{application=\"test\",role=\"workers\",handler=\"{handler}\"}}");
    for line in [
        "fanfare_published_total{type=\"step.taken\"} 1".to_owned(),
        "fanfare_unhandled_total{type=\"nobody.cares\"} 2".to_owned(),
        "fanfare_published_total{type=\"nobody.cares\"} 2".to_owned(),
        "fanfare_published_total{type=\"work.ended\"} 2".to_owned(),
        "fanfare_unhandled_total{type=\"work.ended\"} 2".to_owned(),
        format!("fanfare_handled_total{} 1", of("fine")),
        format!("fanfare_failed_total{} 1", of("fails")),
        format!("fanfare_dead_lettered_total{} 1", of("fails")),
        format!("fanfare_lag{} 0", of("fine")),
        format!("fanfare_oldest_unacknowledged_seconds{} 0", of("fine")),
        format!("fanfare_dead_letters{} 1", of("fails")),
        "fanfare_records 6".to_owned(),
    ] {
        assert!(text.lines().any(|known| known == line), "no {line} in\n{text}");
    }
    assert!(text.contains("fanfare_sync_seconds_total") && text.contains("fanfare_store_bytes"));
}

#[tokio::test]
async fn metrics_are_served_on_loopback() {
    let app = App::new("test").transport("memory:").on(fine).metrics_listen(([127, 0, 0, 1], 0));
    let running = app.start().await.unwrap();
    let get = async |path: &str| {
        let mut stream = tokio::net::TcpStream::connect(running.metrics_address().unwrap()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = get("/metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("fanfare_handled_total{"), "{answer}");
    assert!(get("/").await.starts_with("HTTP/1.1 404"));
    running.shutdown().await.unwrap();
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn every_log_line_about_an_attempt_says_which_one() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(lines.clone()).finish();
    let _subscriber = tracing::subscriber::set_default(subscriber);
    let app = TestApp::start(App::new("test").on(fails)).await.unwrap();
    let receipt = app.publisher().publish(step("a", 0)).correlation_id("order 7").await.unwrap();
    app.idle().await;
    let text = String::from_utf8(lines.0.lock().clone()).unwrap();
    let about: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| !line["span"].is_null())
        .collect();
    let said: Vec<_> = about.iter().map(|line| line["fields"]["message"].as_str().unwrap()).collect();
    assert_eq!(said, ["about to fail", "the delivery is given up and becomes a dead letter"]);
    for line in &about {
        let span = &line["span"];
        assert_eq!(span["handler"], "fails");
        assert_eq!(span["event_type"], "step.taken");
        assert_eq!(span["event_id"], receipt.id.to_string());
        assert_eq!(span["correlation_id"], "order 7");
        assert_eq!(span["attempt"], 1);
    }
}
