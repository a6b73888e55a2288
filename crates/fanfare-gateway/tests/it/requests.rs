//! Commands of a connected client.

use crate::support::Server;
use serde_json::json;

#[tokio::test]
async fn commands_of_one_frame_are_answered_in_order() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let connect =
        format!(r#"{{"connect":{{"token":"{}","name":"js"}},"id":1}}"#, crate::support::token("ann"));
    client.send(&format!("{connect}\n{}", r#"{"subscribe":{"channel":"room:1","flag":1},"id":2}"#)).await;
    assert!(client.next().await["connect"].is_object());
    assert_eq!(
        client.next().await,
        json!({ "id": 2, "subscribe": { "recoverable": true, "positioned": true, "epoch": server.store.epoch() } })
    );
}

#[tokio::test]
async fn a_bad_line_ends_the_connection_after_what_came_before_it() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    client.send("{\"id\":2,\"unsubscribe\":{\"channel\":\"a\"}}\n\n{\"id\":3,\"unsubscribe\":{\"channel\":\"a\"}}").await;
    assert_eq!(client.line().await, r#"{"id":2,"unsubscribe":{}}"#);
    assert_eq!(client.closed().await, 3501);
}

#[tokio::test]
async fn an_rpc_reaches_its_handler_and_its_data_comes_back() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    assert_eq!(
        client.call(r#"{"id":2,"rpc":{"method":"echo","data":{"a":[1,null]}}}"#).await,
        json!({ "id": 2, "rpc": { "data": { "a": [1, null] } } })
    );
    assert_eq!(
        client.call(r#"{"id":3,"rpc":{"method":"fail","data":null}}"#).await,
        json!({ "id": 3, "error": { "code": 1001, "message": "no luck", "temporary": true } })
    );
    assert_eq!(client.call(r#"{"id":4,"rpc":{"method":"nope"}}"#).await["error"]["code"], 104);
    assert_eq!(client.call(r#"{"id":5,"rpc":{"method":"fail","data":"x"}}"#).await["error"]["code"], 107);
}

#[tokio::test]
async fn a_panicking_handler_is_an_internal_error_and_the_connection_lives() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    assert_eq!(client.call(r#"{"id":2,"rpc":{"method":"panic"}}"#).await["error"]["code"], 100);
    assert_eq!(client.call(r#"{"id":3,"rpc":{"method":"echo","data":1}}"#).await["rpc"]["data"], 1);
}

#[tokio::test]
async fn channels_are_denied_unless_the_policy_allows_them() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    assert_eq!(
        client.subscribe(2, "secret:1", "").await,
        json!({ "id": 2, "error": { "code": 103, "message": "permission denied" } })
    );
    assert_eq!(client.subscribe(3, "nothing", "").await["error"]["code"], 102);
    assert_eq!(client.call(r#"{"id":4,"history":{"channel":"room:1"}}"#).await["error"]["code"], 103);
    assert_eq!(client.call(r#"{"id":5,"presence":{"channel":"room:1"}}"#).await["error"]["code"], 103);
}

#[tokio::test]
async fn a_channel_is_subscribed_once_and_names_are_short_and_ascii() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    assert!(client.subscribe(2, "room:1", "").await["subscribe"].is_object());
    assert_eq!(client.subscribe(3, "room:1", "").await["error"]["code"], 105);
    assert_eq!(client.subscribe(4, &format!("room:{}", "x".repeat(255)), "").await["error"]["code"], 107);
    assert_eq!(client.subscribe(5, "room:ü", "").await["error"]["code"], 107);
    client.send(r#"{"id":6,"subscribe":{}}"#).await;
    assert_eq!(client.closed().await, 3501);
}

#[tokio::test]
async fn the_same_channel_twice_in_one_frame_is_refused_too() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    client
        .send("{\"id\":2,\"subscribe\":{\"channel\":\"room:1\"}}\n{\"id\":3,\"subscribe\":{\"channel\":\"room:1\"}}")
        .await;
    let mut codes =
        vec![client.next().await["error"]["code"].as_u64(), client.next().await["error"]["code"].as_u64()];
    codes.sort();
    assert_eq!(codes, [None, Some(105)]);
}

#[tokio::test]
async fn unsubscribing_always_succeeds_and_ends_the_pushes() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    assert_eq!(
        client.call(r#"{"id":2,"unsubscribe":{"channel":"room:1"}}"#).await,
        json!({"id":2,"unsubscribe":{}})
    );
    client.subscribe(3, "room:1", "").await;
    assert_eq!(
        client.call(r#"{"id":4,"unsubscribe":{"channel":"room:1"}}"#).await,
        json!({"id":4,"unsubscribe":{}})
    );
    server.publish("1", 1..=3).await;
    assert_eq!(client.call(r#"{"id":5,"rpc":{"method":"echo","data":1}}"#).await["id"], 5);
}

#[tokio::test]
async fn an_unsubscribe_wins_over_the_subscribe_before_it() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    client
        .send("{\"id\":2,\"subscribe\":{\"channel\":\"room:1\"}}\n{\"id\":3,\"unsubscribe\":{\"channel\":\"room:1\"}}")
        .await;
    assert!(client.next().await["subscribe"].is_object());
    assert_eq!(client.next().await, json!({ "id": 3, "unsubscribe": {} }));
    server.publish("1", 1..=1).await;
    assert_eq!(client.call(r#"{"id":4,"rpc":{"method":"echo","data":1}}"#).await["id"], 4);
}

#[tokio::test]
async fn a_published_message_reaches_the_channel_and_is_answered() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    client.subscribe(2, "room:1", "").await;
    client.send(r#"{"id":3,"publish":{"channel":"room:1","data":{"t":"hi"}}}"#).await;
    let (mut first, mut second) = (client.next().await, client.next().await);
    if first["push"].is_null() {
        std::mem::swap(&mut first, &mut second);
    }
    assert_eq!(first["push"]["pub"]["data"], json!({ "by": "ann", "data": { "t": "hi" } }));
    assert_eq!(second, json!({ "id": 3, "publish": {} }));
    assert_eq!(client.call(r#"{"id":4,"publish":{"channel":"room:1"}}"#).await["error"]["code"], 107);
    assert_eq!(
        client.call(r#"{"id":5,"publish":{"channel":"secret:1","data":1}}"#).await["error"]["code"],
        103
    );
}

#[tokio::test]
async fn a_send_without_a_handler_closes() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    client.send(r#"{"send":{"data":1}}"#).await;
    assert_eq!(client.closed().await, 3508);
}

#[tokio::test]
async fn what_is_sent_reaches_its_handler() {
    let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::with(crate::support::open(), move |builder| {
        builder.on_send(move |caller, data| {
            let sent = sender.send((caller.user.clone(), data.as_str().to_owned()));
            async move { sent.unwrap() }
        })
    })
    .await;
    let mut client = server.connected("ann").await;
    client.send(r#"{"send":{"data":{"is":"typing"}}}"#).await;
    assert_eq!(received.recv().await.unwrap(), ("ann".into(), r#"{"is":"typing"}"#.into()));
}

#[tokio::test]
async fn history_reads_both_ways_from_both_ends() {
    let server = Server::start().await;
    server.publish("1", 1..=10).await;
    let mut client = server.connected("ann").await;
    client.subscribe(2, "room:1", "").await;
    let epoch = server.store.epoch();
    for (request, expected) in [
        (String::new(), vec![]),
        (r#","limit":3"#.into(), vec![1, 2, 3]),
        (r#","limit":-1"#.into(), (1..=10).collect()),
        (r#","limit":2,"reverse":true"#.into(), vec![10, 9]),
        (format!(r#","limit":2,"since":{{"offset":4,"epoch":"{epoch}"}}"#), vec![5, 6]),
        (r#","limit":2,"since":{"offset":4},"reverse":true"#.into(), vec![3, 2]),
        (r#","limit":5,"since":{"offset":10}"#.into(), vec![]),
        (r#","limit":5,"since":{"offset":99}"#.into(), vec![]),
    ] {
        let reply = client.call(&format!(r#"{{"id":3,"history":{{"channel":"room:1"{request}}}}}"#)).await;
        let history = &reply["history"];
        let offsets: Vec<u64> = history["publications"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p["offset"].as_u64().unwrap())
            .collect();
        assert_eq!(offsets, expected, "{request}");
        assert_eq!((history["offset"].as_u64(), history["epoch"].as_str()), (Some(10), Some(&*epoch)));
    }
    for (request, code) in [
        (r#","since":{"offset":1,"epoch":"x"}"#, 112),
        (r#","limit":1,"since":{"offset":0},"reverse":true"#, 107),
    ] {
        let reply = client.call(&format!(r#"{{"id":3,"history":{{"channel":"room:1"{request}}}}}"#)).await;
        assert_eq!(reply["error"]["code"], code, "{request}");
    }
}

#[tokio::test]
async fn payloads_pass_through_byte_for_byte_without_newlines() {
    let server = Server::start().await;
    crate::support::publish(&server.store, "1", "{\n  \"b\" : 1.0,\r\n \"a\":\"\\n\" }").await;
    let mut client = server.connected("ann").await;
    client.subscribe(2, "room:1", "").await;
    client.send(r#"{"id":3,"history":{"channel":"room:1","limit":1}}"#).await;
    let line = client.line().await;
    assert!(line.contains("\"data\":{  \"b\" : 1.0, \"a\":\"\\n\" },\"offset\":1"), "{line}");
}

#[tokio::test]
async fn presence_counts_connections_and_users() {
    let server = Server::start().await;
    let mut first = server.connected("ann").await;
    let mut second = server.connected("ann").await;
    let mut third = server.connected("bob").await;
    for client in [&mut first, &mut second, &mut third] {
        client.subscribe(2, "room:1", "").await;
    }
    let stats = r#"{"id":3,"presence_stats":{"channel":"room:1"}}"#;
    assert_eq!(first.call(stats).await["presence_stats"], json!({ "num_clients": 3, "num_users": 2 }));
    drop(third);
    while first.call(stats).await["presence_stats"]["num_clients"] != 2 {}
    let reply = first.call(r#"{"id":4,"presence":{"channel":"room:1"}}"#).await;
    for (client, info) in reply["presence"]["presence"].as_object().unwrap() {
        assert_eq!(*info, json!({ "user": "ann", "client": client, "conn_info": { "name": "ANN" } }));
    }
}
