//! What the journal of a messenger that does not run holds, an event a line: for tests that look past the messenger, at what
//! is on the disk.
//!
//! ```console
//! $ cargo run -p messenger --example read_journal -- --data FOLDER
//! ```

use anyhow::{Context, Result};
use fanfare::App;
use fanfare_core::{Recorded, TopicFilter};
use serde_json::{Value, json};
use std::io::Write;

const PAGE: usize = 1_000;

#[tokio::main]
async fn main() -> Result<()> {
    let data = std::env::args().skip_while(|argument| argument != "--data").nth(1);
    let data = data.context("say where: --data FOLDER")?;
    let running = App::new("read_journal").transport(format!("file:{data}/journal")).start().await?;
    let log = running.transport().log().context("the journal keeps no log")?;
    let (all, mut from) = (">".parse::<TopicFilter>()?, log.start());
    let mut out = std::io::stdout().lock();
    loop {
        let page = log.read(&all, from, PAGE).await?;
        for record in &page.records {
            writeln!(out, "{}", line(record)?)?;
        }
        if page.next.position <= from.position {
            break;
        }
        from = page.next;
    }
    drop(out);
    running.shutdown().await?;
    Ok(())
}

fn line(record: &Recorded) -> Result<Value> {
    let (metadata, place) = (&record.message.metadata, &record.place);
    Ok(json!({
        "type": metadata.event_type.to_string(),
        "offset": place.revision,
        "position": place.position,
        "event": serde_json::from_slice::<Value>(&record.message.payload)?,
    }))
}
