//! When the other side is gone without a word: the database, or a node in the middle of a transaction.

use std::time::Duration;

use domain::rate::{Rate, Share};
use reqwest::Url;
use server::store::{Store, mail_rates::Allowance};
use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixStream},
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::at;
use crate::support::db::Database;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A way to a database on which everything that is under way can be made to vanish. It ends when it is dropped.
struct Road {
    url: String,
    vanished: CancellationToken,
    _traffic: JoinSet<()>,
}

impl Road {
    async fn to(database: &Database) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let there = Url::parse(&database.url).unwrap();
        let mut url = there.clone();
        url.set_query(None);
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let vanished = CancellationToken::new();
        let mut traffic = JoinSet::new();
        let first = vanished.clone();
        traffic.spawn(async move {
            let mut lanes = JoinSet::new();
            loop {
                let (mut here, _) = listener.accept().await.unwrap();
                let (mut there, vanished) = (connect(&there).await, first.clone());
                // What comes afterwards goes through.
                let is_lost = !vanished.is_cancelled();
                lanes.spawn(async move {
                    tokio::select! {
                        _ = copy_bidirectional(&mut here, &mut there) => {}
                        () = vanished.cancelled(), if is_lost => std::future::pending().await,
                    }
                });
            }
        });
        Self { url: url.into(), vanished, _traffic: traffic }
    }
}

async fn connect(there: &Url) -> Box<dyn Stream> {
    let port = there.port().unwrap_or(5432);
    match there.query_pairs().find(|(name, _)| name == "host") {
        Some((_, folder)) => Box::new(UnixStream::connect(format!("{folder}/.s.PGSQL.{port}")).await.unwrap()),
        None => Box::new(TcpStream::connect((there.host_str().unwrap(), port)).await.unwrap()),
    }
}

#[tokio::test]
async fn a_database_that_is_gone_without_a_word_is_given_up_well_within_a_lease() {
    let database = Database::postgres().await;
    let road = Road::to(&database).await;
    let store = Store::connect(&road.url).await.unwrap();
    // All connections that there may be, some of them in use.
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(store.write().await.unwrap());
    }
    open.truncate(8);
    road.vanished.cancel();
    let began = Instant::now();
    let asked = timeout(Duration::from_millis(200), open[0].used("main", "1000/day".parse().unwrap(), at(0)));
    assert!(asked.await.is_err(), "nobody answers");
    drop(open);
    let mut writes = 0;
    while writes < 16 {
        assert!(began.elapsed() < Duration::from_secs(25), "{writes} after {:?}", began.elapsed());
        if let Ok(write) = store.write().await {
            write.commit().await.unwrap();
            writes += 1;
        }
    }
    store.close().await;
    drop(road);
    database.drop().await;
}

#[tokio::test]
async fn whoever_falls_asleep_in_the_middle_of_a_transaction_does_not_hold_up_the_others() {
    let database = Database::postgres().await;
    let (asleep, awake) = (database.store().await, database.store().await);
    let allowance = Allowance { rate: Rate::per_second(10), quota: None };
    let mut sleeper = asleep.write().await.unwrap();
    sleeper.take_permits("main", allowance, Share::Bulk, 1, at(0)).await.unwrap();
    let mut other = awake.write().await.unwrap();
    let taken = timeout(Duration::from_secs(28), other.take_permits("main", allowance, Share::Bulk, 1, at(0))).await;
    assert_eq!(taken.expect("well within a lease").unwrap().permits, 1);
    other.commit().await.unwrap();
    assert!(sleeper.commit().await.is_err(), "what was begun is void");
    asleep.close().await;
    awake.close().await;
    database.drop().await;
}
