//! Flips are posted to a URL: who runs pagers and chats knows what to do with them.

use super::probe::{Means, driven, open_url};
use crate::health::{Event, What};
use crate::limits;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tracing::warn;

/// Posts flips as they come, those that come together in one request: `{"flips": [...], "missed": N}`, the latter how many events of health
/// were not told since the last that was taken, because the URL took them too slowly or not at all. Never ends while there are events.
pub async fn run(url: Uri, mut events: Receiver<Arc<Event>>, means: Arc<Means>) {
    let mut missed = 0;
    loop {
        let mut flips = Vec::new();
        let mut next = Some(events.recv().await);
        while let Some(event) = next.take() {
            match event {
                Ok(event) if matches!(event.what, What::Flip { .. }) => flips.push(event.to_json()),
                Ok(_) => (),
                Err(RecvError::Lagged(count)) => missed += count,
                Err(RecvError::Closed) => return,
            }
            next = match events.try_recv() {
                Ok(event) if flips.len() < limits::WEBHOOK_FLIPS => Some(Ok(event)),
                Err(TryRecvError::Lagged(count)) => Some(Err(RecvError::Lagged(count))),
                // What did not fit is told of with the next.
                Ok(event) => {
                    flips.extend(matches!(event.what, What::Flip { .. }).then(|| event.to_json()));
                    None
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => None,
            };
        }
        if !flips.is_empty() || missed > 0 {
            let body = Bytes::from(json!({ "flips": flips, "missed": missed }).to_string());
            missed = if deliver(&url, &body, &means).await { 0 } else { missed + flips.len() as u64 };
        }
    }
}

/// Posts until it is taken, a few times at the most. Returns whether it was.
async fn deliver(url: &Uri, body: &Bytes, means: &Means) -> bool {
    let mut pause = limits::WEBHOOK_PAUSE;
    for tries in 1..=limits::WEBHOOK_TRIES {
        let posted = tokio::time::timeout(limits::WEBHOOK_TIME, post(url, body, means)).await;
        let why = match posted {
            Ok(Ok(())) => return true,
            Ok(Err(why)) => why,
            Err(_) => "no answer in time".to_owned(),
        };
        if tries == limits::WEBHOOK_TRIES {
            // The rest of the URL is often a secret.
            let host = url.host().unwrap_or_default();
            warn!("health.webhook at {host}: {why}: given up after {tries} tries");
            return false;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    false
}

async fn post(url: &Uri, body: &Bytes, means: &Means) -> Result<(), String> {
    let host = url.authority().ok_or("it has no host")?.as_str();
    let stream = open_url(url, means).await?;
    let request = Request::post(url.path_and_query().map_or("/", |path| path.as_str()))
        .header(HOST, host)
        .header(CONTENT_TYPE, "application/json")
        .header(CONNECTION, "close")
        .body(Full::new(body.clone()))
        .map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
    let response = driven(connection, sender.send_request(request)).await;
    let status = response.map_err(|error| error.to_string())?.status();
    if status.is_success() { Ok(()) } else { Err(format!("status {}", status.as_u16())) }
}
