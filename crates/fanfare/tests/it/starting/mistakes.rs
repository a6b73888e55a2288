//! Every mistake at once, each with the line that holds it.

use fanfare::{App, BlockingExt, Event, HandlerExt, State, app::StartError};
use serde::{Deserialize, Serialize};

use crate::support::{StepTaken, app, clock, poor};

#[derive(Event, Clone)]
#[event(type = "screen.touched", local)]
struct Touched;

#[derive(Clone)]
struct Absent;

async fn fine(_: StepTaken) {}
async fn needs(_: StepTaken, _: State<Absent>) {}
async fn leaks(_: StepTaken) -> Touched {
    Touched
}
fn generic<T: for<'a> Deserialize<'a> + Serialize>(_: StepTaken) {}

async fn mistakes(app: App) -> Vec<String> {
    match app.start().await {
        Err(StartError::Mistakes(mistakes)) => mistakes.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn all_mistakes_are_reported_at_once_with_their_lines() {
    let first = line!() + 3;
    let app = App::new("test")
        .transport("memory:")
        .on(|_: StepTaken| async {})
        .on(generic::<u8>.blocking())
        .on(fine)
        .on(fine.concurrency(2))
        .on(leaks)
        .on(fine.named("narrow").types("other.>"))
        .on(fine.named("both").renamed_from("a").start_at(fanfare::Start::Latest))
        .state(1u8)
        .state(2u8)
        .metrics_listen(([0, 0, 0, 0], 9100))
        .delete_group("fine")
        .on(needs.named("second"))
        .on(needs);
    let mistakes = mistakes(app).await;
    let expected = [
        (0, "a closure has no name of its own"),
        (1, "instances of a generic function share one name"),
        (3, "another handler is called `fine`"),
        (4, "returns a #[event(local)] event"),
        (5, "its .types(..) let none of the types through"),
        (6, "it says both .renamed_from(..) and .start_at(..)"),
        (8, "there is a state of type u8 already"),
        (9, "metrics are not served on 0.0.0.0:9100"),
        (10, "a handler claims it"),
        (11, "`second`: it takes State<it::starting::mistakes::Absent>, and there is no such state"),
        (12, "`needs`: it takes State<it::starting::mistakes::Absent>, and there is no such state"),
    ];
    for (offset, text) in expected {
        let place = format!("mistakes.rs:{}: ", first + offset);
        assert!(
            mistakes.iter().any(|mistake| mistake.contains(&place) && mistake.contains(text)),
            "no {place}{text} in {mistakes:#?}"
        );
    }
    assert_eq!(mistakes.len(), expected.len(), "{mistakes:#?}");
}

#[tokio::test]
async fn a_transport_that_is_not_there_is_named() {
    for (url, text) in [
        ("kafka://localhost", "has no adapter for `kafka:`"),
        ("data", "it has no scheme"),
        ("carrier-pigeon:home", "its scheme is not known"),
        ("file:", "it names no folder"),
        ("file:?sync=os", "it names no folder"),
        ("file:never?sink=os", "it has no parameter `sink`; there are `sync`"),
        ("file:never?sync=always", "`sync` is fsync, interval or os, not `always`"),
        ("file:never?sync=os&every=1s", "`every` belongs to sync=interval"),
        ("file:never?sync=interval&every=0ms", "such as 50ms or 2s, not `0ms`"),
        ("file:never?sync=interval&every=fast", "not `fast`"),
        ("file:never?sync=os&sync=os", "it says `sync` twice"),
        ("memory:name?sync=os", "`memory:` has no parameters"),
    ] {
        let mistakes = mistakes(App::new("test").transport(url).on(fine)).await;
        assert!(mistakes[0].contains(text), "{mistakes:?}");
    }
    assert!(mistakes(App::new("test").on(fine)).await[0].contains("there is no transport"));
}

#[tokio::test]
async fn what_a_transport_cannot_do_is_refused_by_name() {
    let clock = clock();
    let app = app(&clock).with_transport(poor(&clock));
    let mistakes = mistakes(app.on(fine.in_order()).on(fine.named("parks").park())).await;
    assert!(mistakes[0].contains("the transport `poor` cannot do .in_order()"), "{mistakes:?}");
    assert!(mistakes[1].contains("the transport `poor` cannot do .park()"), "{mistakes:?}");
}

#[tokio::test]
async fn a_path_in_a_url_is_relative_as_it_stands() {
    let folder = tempfile::Builder::new().prefix("relative-").tempdir_in(".").unwrap();
    let name = folder.path().file_name().unwrap().to_str().unwrap().to_owned();
    let running = App::new("test").transport(format!("file:./{name}/data")).on(fine).start().await.unwrap();
    running.shutdown().await.unwrap();
    assert!(folder.path().join("data").is_dir());
}
