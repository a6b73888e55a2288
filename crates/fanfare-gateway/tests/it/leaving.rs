//! Leaving: what is answered wins over what is still being worked on.

use crate::support::Server;
use serde_json::Value;
use std::collections::HashMap;

/// The lines up to the answer to `last`, by the id that they answer, in their order.
async fn answers(client: &mut crate::support::Client, count: usize) -> Vec<(u64, Value)> {
    let mut answers = Vec::new();
    while answers.len() < count {
        let line = client.next().await;
        match line["id"].as_u64() {
            Some(id) => answers.push((id, line)),
            None => answers.push((0, line)),
        }
        if line_is_push(&answers) {
            answers.retain(|(id, _)| *id != 0);
        }
    }
    answers
}

fn line_is_push(answers: &[(u64, Value)]) -> bool {
    answers.last().is_some_and(|(id, _)| *id == 0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_subscribe_history_and_leave_at_once_none_succeeds_after_the_answer_to_leave() {
    let server = Server::start().await;
    server.publish("1", 1..=50).await;
    for round in 0..100 {
        let mut client = server.connected(&format!("user-{round}")).await;
        let frame = [
            r#"{"id":2,"subscribe":{"channel":"room:1"}}"#,
            r#"{"id":3,"history":{"channel":"room:1","limit":50}}"#,
            r#"{"id":4,"unsubscribe":{"channel":"room:1"}}"#,
            r#"{"id":5,"history":{"channel":"room:1","limit":50}}"#,
            r#"{"id":6,"presence":{"channel":"room:1"}}"#,
        ];
        // In one frame or in several: the order of the commands is the same.
        if round % 2 == 0 {
            client.send(&frame.join("\n")).await;
        } else {
            for command in frame {
                client.send(command).await;
            }
        }
        let answers = answers(&mut client, frame.len()).await;
        let left = answers.iter().position(|(id, _)| *id == 4).expect("an answer to leave");
        for (id, answer) in answers.iter().skip(left + 1) {
            assert!(answer["error"].is_object(), "{id} succeeded after the answer to leave: {answer}");
        }
        let by_id: HashMap<u64, &Value> = answers.iter().map(|(id, answer)| (*id, answer)).collect();
        assert_eq!(by_id.len(), frame.len(), "{answers:?}");
        // Nothing is pushed either.
        server.publish("1", [99]).await;
        let echoed = client.call(r#"{"id":7,"rpc":{"method":"echo","data":1}}"#).await;
        assert_eq!(echoed["id"], 7, "{echoed}");
    }
}

#[tokio::test]
async fn a_history_that_is_being_read_when_its_reader_leaves_is_refused() {
    let server = Server::start().await;
    server.publish("1", 1..=10).await;
    let mut client = server.connected("ann").await;
    assert!(client.subscribe(2, "room:1", "").await["subscribe"].is_object());
    let both = "{\"id\":3,\"history\":{\"channel\":\"room:1\",\"limit\":9}}\n{\"id\":4,\"unsubscribe\":{\"channel\":\"room:1\"}}";
    client.send(both).await;
    let answers = answers(&mut client, 2).await;
    let (left, read) = (
        answers.iter().position(|(id, _)| *id == 4).unwrap(),
        answers.iter().position(|(id, _)| *id == 3).unwrap(),
    );
    assert!(read < left || answers[read].1["error"]["code"] == 103, "{answers:?}");
}
