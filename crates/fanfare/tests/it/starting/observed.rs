//! What an application tells of itself: metrics and log lines.

use std::{path::Path, time::Duration};

use fanfare::{App, Attempt, Context, Event, Failure, HandlerExt, RawEvent, testing::TestApp};
use fanfare_core::Durability;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Lines, StepTaken, step};

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

#[tokio::test(start_paused = true)]
async fn every_log_line_about_an_attempt_says_which_one() {
    let (lines, _subscriber) = Lines::filtered("info");
    let app = TestApp::start(App::new("test").on(fails)).await.unwrap();
    let receipt = app.publisher().publish(step("a", 0)).correlation_id("order 7").await.unwrap();
    app.idle().await;
    let about: Vec<Value> = lines.all().into_iter().filter(|line| !line["span"].is_null()).collect();
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

#[tokio::test(start_paused = true)]
async fn a_filter_of_the_application_alone_keeps_the_ids_also_of_a_caused_event() {
    async fn causes(event: Begun) -> StepTaken {
        step("a", event.number)
    }
    async fn again(_: StepTaken, Attempt(attempt): Attempt) -> Result<(), String> {
        tracing::info!("at work");
        if attempt == 1 { Err("once".into()) } else { Ok(()) }
    }
    let (lines, _subscriber) = Lines::filtered("it=debug");
    let app = TestApp::start(App::new("test").on(causes).on(again)).await.unwrap();
    let cause = app.publish(Begun { number: 1 }).await;
    app.advance(Duration::from_secs(10)).await;
    let lines = lines.all();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (line, attempt) in lines.iter().zip([1, 2]) {
        assert_eq!(line["fields"]["message"], "at work");
        let span = &line["span"];
        assert_eq!((&span["handler"], &span["event_type"]), (&json!("again"), &json!("step.taken")));
        assert_eq!(span["correlation_id"], cause.id.to_string());
        assert_eq!(span["causation_id"], cause.id.to_string());
        assert_ne!(span["event_id"], cause.id.to_string());
        assert_eq!(span["attempt"], attempt);
    }
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_matches_no_known_type_is_told_at_start() {
    async fn log(_: RawEvent) {}
    let (lines, _subscriber) = Lines::filtered("info");
    let app = App::new("test").on(fine).event::<Begun>().on(log.types("stpe.>").types("work.>"));
    TestApp::start(app).await.unwrap().shutdown().await;
    let told = lines.saying("the filter matches no event type that this build knows");
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["level"], &told[0]["fields"]["filter"]), (&json!("WARN"), &json!("stpe.>")));
    assert_eq!(told[0]["fields"]["group"], "test//log");
}

#[tokio::test]
async fn the_start_tells_how_much_is_kept_and_what_a_receipt_means() {
    let folder = tempfile::tempdir().unwrap();
    for (parameters, durability, events) in [
        ("", Durability::Fsync, 0),
        ("?sync=interval&every=20ms", Durability::Os, 1),
        ("?sync=interval", Durability::Os, 2),
        ("?sync=os", Durability::Os, 3),
        ("?sync=fsync", Durability::Fsync, 4),
    ] {
        let (lines, _subscriber) = Lines::filtered("info");
        let url = format!("file:{}{parameters}", folder.path().display());
        let running = App::new("test").transport(url).on(fine).start().await.unwrap();
        let receipt = running.publisher().publish(step("a", 1)).await.unwrap();
        assert_eq!(receipt.durability, durability, "{parameters}");
        running.shutdown().await.unwrap();
        let told = lines.saying("the transport is open");
        let fields = &told[0]["fields"];
        assert_eq!(fields["durability"], format!("{durability:?}"));
        assert_eq!(fields["events"].as_u64(), Some(events));
        assert!(fields["bytes"].as_u64().unwrap() > 100 * events, "{fields}");
    }
    assert!(!Path::new(&format!("{}?sync=os", folder.path().display())).exists());
}

#[tokio::test]
async fn a_torn_tail_is_told_at_start() {
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let start =
        |folder: &Path| App::new("test").transport(format!("file:{}", folder.display())).on(fine).start();
    let running = start(folder.path()).await.unwrap();
    running.publisher().publish(step("a", 1)).await.unwrap();
    // What a crash would have left.
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    running.shutdown().await.unwrap();
    let journal = std::fs::read_dir(copy.path()).unwrap().map(|entry| entry.unwrap().path());
    let journal = journal.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("journal-"));
    let journal = journal.max().unwrap();
    let mut bytes = std::fs::read(&journal).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes.resize(bytes.len().max(end + 200), 0);
    bytes[end + 8..end + 108].fill(7);
    std::fs::write(&journal, bytes).unwrap();

    let (lines, _subscriber) = Lines::filtered("info");
    start(copy.path()).await.unwrap().shutdown().await.unwrap();
    let told = lines.saying("a torn tail was cut off");
    assert_eq!(told.len(), 1, "{:?}", lines.all());
    let fields = &told[0]["fields"];
    assert_eq!(told[0]["level"], "WARN");
    assert_eq!(fields["file"], journal.file_name().unwrap().to_str().unwrap());
    let bytes = fields["bytes"].as_u64().unwrap();
    assert!((100..=108).contains(&bytes), "{fields}");
}
