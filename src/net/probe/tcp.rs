//! TCP: does it connect, and does it say what it should.

use super::connect::{Wanted, connect};
use super::http::find;
use super::means::Protocols;
use super::{Failure, Means, Note, Reached, of_socket, wrong};
use crate::config::TcpProbe;
use crate::health::Target;
use crate::limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Connects, sends what is to be sent, and waits for what is to come.
pub(super) async fn probe(
    target: &Target,
    tcp: &TcpProbe,
    means: &Means,
    reached: &Reached,
) -> Result<Note, Failure> {
    let wanted = Wanted { tls: tcp.tls.as_ref(), protocols: Protocols::None };
    let mut connection = connect(target, tcp.port, &wanted, means, reached).await?;
    let stream = &mut connection.stream;
    if let Some(send) = &tcp.send {
        stream.write_all(send.as_bytes()).await.map_err(|error| of_socket("send", &error))?;
        stream.flush().await.map_err(|error| of_socket("send", &error))?;
    }
    let Some(expected) = &tcp.expect else { return Ok(connection.note) };
    let (mut read, mut piece) = (Vec::new(), [0; 4_096]);
    while read.len() < limits::PROBE_BODY {
        let count = stream.read(&mut piece).await.map_err(|error| of_socket("read", &error))?;
        if count == 0 {
            break;
        }
        let from = read.len().saturating_sub(expected.len());
        read.extend_from_slice(&piece[..count]);
        if find(&read[from..], expected.as_bytes()) {
            return Ok(connection.note);
        }
    }
    let said = String::from_utf8_lossy(&read[..read.len().min(60)]).into_owned();
    Err(wrong(format!("{expected:?} did not come, but {said:?}")))
}
