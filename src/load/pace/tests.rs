use super::simulation::{Micros, SECOND, Server, Stretch, adaptive, fixed};
use super::*;

/// The best of many fixed numbers in flight, and that number.
fn best(server: &Server, settled: Micros, until: Micros) -> (Stretch, usize) {
    let capacity = (server.capacity)(until) as f64;
    [0.5, 0.8, 1.0, 1.25, 2.0, 4.0]
        .map(|share| (share * capacity).ceil() as usize)
        .map(|n| (fixed(server, n, settled, until), n))
        .into_iter()
        .max_by(|(a, _), (b, _)| a.rate().total_cmp(&b.rate()))
        .unwrap()
}

/// Runs both, prints the figures, and holds the pace to them. The time to settle and the time
/// measured are so many requests of the server.
fn compare(name: &str, server: &Server, start: usize, settled: Micros) -> (Stretch, usize) {
    let until = settled + span(server, settled);
    let (best, at) = best(server, settled, until);
    let (found, limit) = adaptive(server, start, settled, until);
    println!(
        "{name:28} start {start:3} | best fixed {at:3}: {:7.1}/s {:6.1} ms | adaptive {limit:3}: \
         {:7.1}/s {:6.1} ms, {:5.1} % of it, refused {:.2} %",
        best.rate(),
        best.latency(),
        found.rate(),
        found.latency(),
        100.0 * found.rate() / best.rate(),
        100.0 * found.refusals(),
    );
    assert!(
        found.rate() >= 0.9 * best.rate(),
        "{name} from {start}: {:.1}/s of {:.1}/s at {limit}",
        found.rate(),
        best.rate()
    );
    (found, limit)
}

/// Small servers need longer to show anything.
fn span(server: &Server, at: Micros) -> Micros {
    (8 + 100 / (server.capacity)(at) as u64) * SECOND
}

/// Workers of a server by time.
type Capacity = fn(Micros) -> usize;

const CAPACITIES: [(&str, Capacity); 5] = [
    ("1", |_| 1),
    ("4", |_| 4),
    ("16", |_| 16),
    ("64", |_| 64),
    ("200", |_| 200),
];

#[test]
fn item_11_the_limit_settles_at_the_servers_capacity() {
    for (name, capacity) in CAPACITIES {
        for start in [1, 32, 256] {
            if start > 8 * capacity(0) && start > 32 {
                // A server takes minutes to get through such a crowd.
                continue;
            }
            let server = Server::plain(capacity);
            let (found, limit) = compare(name, &server, start, span(&server, 0));
            let capacity = capacity(0);
            // No needless queue: hardly more in flight than the server works on, though the end
            // may lie in a probe.
            assert!(
                limit <= capacity + capacity.div_ceil(2),
                "{limit} for {capacity}"
            );
            // One more than a single worker has time for doubles the time; others stay close.
            assert!(found.latency() < if capacity < 4 { 110.0 } else { 65.0 });
        }
    }
}

/// Half to one and a half of 50 ms, and one in 50 takes five times as long.
fn noisy(capacity: Capacity) -> Server {
    Server {
        service: |_, random| {
            let spread = 25_000 + (random * 50_000.0) as u64;
            match (random * 1000.0) as u64 % 50 {
                7 => 5 * spread,
                _ => spread,
            }
        },
        ..Server::plain(capacity)
    }
}

fn exponential(capacity: Capacity) -> Server {
    Server {
        service: |_, random| (-50_000.0 * (1.0 - random).ln()) as u64,
        ..Server::plain(capacity)
    }
}

fn with_noise(name: &str, capacity: Capacity, start: usize) {
    for (kind, server) in [
        ("noisy", noisy(capacity)),
        ("exponential", exponential(capacity)),
    ] {
        let name = format!("{name} {kind}");
        let (_, limit) = compare(&name, &server, start, 2 * span(&server, 0));
        assert!(limit <= 2 * capacity(0) + 2, "{name}: {limit}");
    }
}

#[test]
fn item_11_noise_and_long_tails_do_not_mislead_it() {
    for (i, (name, capacity)) in CAPACITIES[..4].iter().enumerate() {
        with_noise(name, *capacity, [4, 32][i % 2]);
    }
}

fn with_a_queue(name: &str, capacity: Capacity) {
    for queue in [0, 64] {
        let server = Server {
            queue,
            ..Server::plain(capacity)
        };
        let name = format!("{name} queue {queue}");
        let (found, _) = compare(&name, &server, 32, span(&server, 0));
        assert!(found.refusals() < 0.02, "{name}: {}", found.refusals());
    }
}

#[test]
fn item_11_a_bounded_queue_is_not_run_into_for_long() {
    for (name, capacity) in &CAPACITIES[..4] {
        with_a_queue(name, *capacity);
    }
}

/// All figures of docs/unattended.md: `cargo test --lib pace::tests::figures -- --ignored --nocapture`.
#[test]
#[ignore = "takes a minute; prints the table of docs/unattended.md"]
fn figures() {
    for (name, capacity) in CAPACITIES {
        for start in [4, 32] {
            let server = Server::plain(capacity);
            compare(name, &server, start, span(&server, 0));
            with_noise(name, capacity, start);
        }
        with_a_queue(name, capacity);
    }
}

#[test]
fn item_11_a_soak_is_followed_down_and_up() {
    // Every request takes more than twice as long after each minute, as under an ODS that fills up.
    let slower = Server {
        service: |now, _| 50_000 + now / 1000,
        ..Server::plain(|_| 32)
    };
    compare("slow decline", &slower, 32, 20 * SECOND);
    // Workers go away, and come back.
    let fewer = Server::plain(|now| if now < 20 * SECOND { 64 } else { 16 });
    let (_, limit) = compare("64, then 16", &fewer, 32, 50 * SECOND);
    assert!(limit <= 24, "{limit}");
    let more = Server::plain(|now| if now < 30 * SECOND { 8 } else { 100 });
    compare("8, then 100", &more, 32, 90 * SECOND);
}

#[test]
fn refusals_that_the_pace_does_not_cause_do_not_stop_it() {
    let moody = Server {
        moody: 0.05,
        ..Server::plain(|_| 16)
    };
    let (found, _) = adaptive(&moody, 32, 60 * SECOND, 180 * SECOND);
    assert!(found.rate() > 150.0, "{:.1}/s", found.rate());
}

#[test]
fn a_slow_feed_moves_nothing() {
    let epoch = Instant::now();
    let pace = Pace::new(32, 1024, epoch);
    // One request at a time, 10 ms each, whatever the limit.
    for i in 1..10_000u32 {
        let now = epoch + Duration::from_millis(10) * i;
        pace.finished(now, Duration::from_millis(10), Went::Served);
    }
    assert_eq!(pace.limit(), 32);
}

#[test]
fn the_limit_keeps_between_one_and_the_most() {
    let server = Server::plain(|_| 200);
    let epoch = Instant::now();
    for most in [1, 7, 64] {
        let pace = Pace::new(32, most, epoch);
        let mut simulation = super::simulation::Simulation::new(server.clone(), 1024);
        let limit = || {
            let limit = pace.limit();
            assert!((1..=most).contains(&limit));
            limit
        };
        let finished = |now: Micros, latency: Micros, went| {
            let now = epoch + Duration::from_micros(now);
            pace.finished(now, Duration::from_micros(latency), went);
        };
        let stretch = simulation.run(60 * SECOND, &limit, &finished);
        assert!(stretch.rate() > 0.9 * 20.0 * most as f64);
    }
}

#[tokio::test]
async fn a_worker_above_the_limit_waits() {
    let pace = Pace::new(1, 8, Instant::now());
    pace.admit(0).await;
    let waiting = tokio::time::timeout(Duration::from_millis(20), pace.admit(5)).await;
    assert!(waiting.is_err());
    pace.release();
    pace.admit(5).await;
}
