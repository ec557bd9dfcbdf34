//! Many pieces of work, a bounded number of them at a time.

use tokio::task::JoinSet;

/// Runs pieces of work, at most `limit` at a time, and hands over each result; returns how many brought none.
pub(crate) async fn each<R, W>(work: impl IntoIterator<Item = W>, limit: usize, mut take: impl FnMut(R)) -> usize
where
    R: Send + 'static,
    W: Future<Output = R> + Send + 'static,
{
    let mut work = work.into_iter();
    let mut running = JoinSet::new();
    let mut lost = 0;
    loop {
        while running.len() < limit
            && let Some(piece) = work.next()
        {
            running.spawn(piece);
        }
        match running.join_next().await {
            Some(Ok(result)) => take(result),
            Some(Err(_)) => lost += 1,
            None => return lost,
        }
    }
}
