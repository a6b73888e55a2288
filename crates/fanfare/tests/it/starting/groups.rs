//! Groups across starts: new, renamed, orphaned, deleted.

use std::sync::Arc;

use fanfare::{App, HandlerExt, Start, State, app::StartError, clock::RuntimeClock, testing::TestApp};
use fanfare_core::{Clock, Transport};

use crate::support::{Seen, StepTaken, memory, step};

async fn mail(event: StepTaken, State(seen): State<Seen<u32>>) {
    seen.push(event.number);
}

struct Shop {
    clock: Arc<RuntimeClock>,
    broker: Arc<dyn Transport>,
    seen: Seen<u32>,
}

impl Shop {
    fn new() -> Self {
        let clock = Arc::new(RuntimeClock::new());
        let broker = memory(&(clock.clone() as Arc<dyn Clock>));
        Self { clock, broker, seen: Seen::default() }
    }

    async fn try_start(&self, app: impl Fn(App) -> App) -> Result<TestApp, StartError> {
        let app = app(App::new("shop").state(self.seen.clone()));
        TestApp::start_on(app, self.broker.clone(), self.clock.clone()).await
    }

    async fn start(&self, app: impl Fn(App) -> App) -> TestApp {
        self.try_start(app).await.unwrap()
    }

    /// A first start that mails one receipt.
    async fn mailed(&self) {
        let app = self.start(|app| app.on(mail)).await;
        app.publish(step("a", 1)).await;
        app.idle().await;
        app.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_renamed_handler_is_refused_until_its_author_says_what_is_meant() {
    let shop = Shop::new();
    shop.mailed().await;
    let refused = shop.try_start(|app| app.on(mail.named("send"))).await.err().unwrap();
    let text = refused.to_string();
    assert!(
        text.contains("groups.rs:") && text.contains("shop//mail") && text.contains("renamed_from"),
        "{text}"
    );

    let app = shop.start(|app| app.on(mail.named("send").renamed_from("mail"))).await;
    app.publish(step("a", 2)).await;
    app.idle().await;
    assert_eq!(shop.seen.all(), [1, 2], "a receipt was mailed again");
    app.shutdown().await;
    // Once more: the old group is gone, which is no error.
    shop.start(|app| app.on(mail.named("send").renamed_from("mail"))).await.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_name_that_was_left_long_ago_does_not_speak_for_the_one_that_is_left_now() {
    let shop = Shop::new();
    shop.mailed().await;
    shop.start(|app| app.on(mail.named("send").renamed_from("mail"))).await.shutdown().await;
    let refused = shop.try_start(|app| app.on(mail.named("post").renamed_from("mail"))).await.err().unwrap();
    assert!(refused.to_string().contains("shop//send"), "{refused}");
    let app = shop.start(|app| app.on(mail.named("post").renamed_from("send"))).await;
    app.idle().await;
    assert_eq!(shop.seen.all(), [1], "a receipt was mailed again");
    app.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn beside_an_orphan_a_new_group_may_say_where_it_starts() {
    let shop = Shop::new();
    shop.mailed().await;
    let app = shop.start(|app| app.on(mail.named("send").start_at(Start::Latest))).await;
    app.publish(step("a", 2)).await;
    app.idle().await;
    assert_eq!(shop.seen.all(), [1, 2]);
    app.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_group_is_no_orphan_and_a_new_one_starts_at_the_earliest_record() {
    let shop = Shop::new();
    shop.mailed().await;
    let app = shop.start(|app| app.on(mail.named("send")).delete_group("mail")).await;
    app.idle().await;
    assert_eq!(shop.seen.all(), [1, 1]);
    app.shutdown().await;
}
