//! Where the limit goes: a search for the knee of the server's throughput.
//!
//! Reads: measures. Writes: the next limit. Never: a clock.
//!
//! Below its capacity a server answers in constant time, and throughput grows with the requests in
//! flight; above it requests queue: latency grows, throughput does not. Between two limits, one on
//! each side, the capacity is `throughput at the higher x latency at the lower` (Little's law).
//! With workers that always have something to send, throughput is limit / latency, so that mean
//! latencies over two windows are all that is needed.
//!
//! At first the limit doubles while that pays, or is halved while that costs nothing. Then it is
//! held, and tried a little higher and a little lower in turn, ever more rarely as long as neither
//! moves it. A step down must cost next to nothing (the ratio of throughputs counts with its fourth
//! power), so that the limit stays just above the knee, where the server has no idle moment and
//! hardly a queue. Refusals cut the limit at once, and bound it for a while.

/// Factor of a first search step.
const DOUBLE: f64 = 2.0;
/// A probe upwards.
const UP: f64 = 1.25;
/// A probe downwards.
const DOWN: f64 = 0.85;
/// How much more a loss of throughput weighs than a gain of latency.
const WEIGHT: i32 = 4;
/// A throughput of at least this share has lost nothing.
const FREE: f64 = 0.95;
/// Longest hold between two probes, in windows.
const LONGEST_HOLD: u32 = 8;
/// Refusals up to this share are let pass: a server may have other troubles than us.
const LET_PASS: f64 = 0.01;
/// Windows for which a limit that was refused is not tried again.
const REMEMBERED: u32 = 24;
/// Where a cut to this share of the limit leaves the refusals at [`UNMOVED`] of their share or
/// more, they are not our pace's doing.
const DEEP: f64 = 0.25;
const UNMOVED: f64 = 0.8;

/// What one window showed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    /// The limit at which it was measured.
    pub(super) limit: f64,
    /// Mean time of a served request, in seconds.
    pub(super) latency: f64,
    /// Share of the requests that were refused, 0 to 1.
    pub(super) refused: f64,
    /// Whether there was less to send than the limit allows.
    pub(super) starved: bool,
}

impl Measure {
    fn throughput(&self) -> f64 {
        self.limit / self.latency.max(1e-9)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Doubling as long as it pays.
    Rising,
    /// Divided by this, and then by its square, as long as it costs nothing.
    Falling(f64),
    /// Staying for so many windows.
    Hold(u32),
    /// A window at a higher limit.
    Up,
    /// A window at a lower limit.
    Down,
}

/// The search.
#[derive(Clone, Debug)]
pub(super) struct Control {
    phase: Phase,
    limit: f64,
    most: f64,
    /// What the next measure is compared with.
    base: Option<Measure>,
    /// Length of the next hold.
    hold: u32,
    /// Whether the next probe goes up.
    up_next: bool,
    /// A limit that was refused, and for how many windows it is not reached again.
    ceiling: Option<(f64, u32)>,
    /// Limit and share of refusals when the cuts that go on began.
    cut_from: Option<(f64, f64)>,
    /// Share of refusals that is let pass.
    let_pass: f64,
}

impl Control {
    pub(super) fn new(start: usize, most: usize) -> Self {
        let most = most.max(1) as f64;
        Self {
            phase: Phase::Rising,
            limit: (start as f64).clamp(1.0, most),
            most,
            base: None,
            hold: 1,
            up_next: false,
            ceiling: None,
            cut_from: None,
            let_pass: LET_PASS,
        }
    }

    /// The limit now.
    pub(super) fn limit(&self) -> usize {
        self.limit.round().max(1.0) as usize
    }

    /// Completions that a window needs. A probe's small difference needs more than a doubling's.
    pub(super) fn wanted(&self) -> usize {
        match self.phase {
            Phase::Rising => (4 * self.limit()).max(64),
            Phase::Falling(_) => (2 * self.limit()).max(32),
            _ => (8 * self.limit()).max(256),
        }
    }

    /// Completions to pass over after a move, in multiples of the limit: what was in flight, and
    /// for a fine comparison also what waited behind that.
    pub(super) fn settle(&self) -> usize {
        match self.phase {
            Phase::Rising => 1,
            _ => 2,
        }
    }

    /// Refusals that end a window before its time.
    pub(super) fn storm(&self) -> usize {
        match self.phase {
            Phase::Up => (self.wanted() / 32).max(4),
            _ => (self.limit() / 2).max(8),
        }
    }

    /// Takes a window's measure in, and moves the limit.
    pub(super) fn judge(&mut self, measure: Measure) {
        self.ceiling = self
            .ceiling
            .and_then(|(at, left)| (left > 1).then_some((at, left - 1)));
        if measure.refused > self.let_pass {
            self.cut(measure);
            return;
        }
        self.cut_from = None;
        if measure.starved {
            // Neither higher nor lower would show anything: stay where the search began.
            if let (Phase::Up | Phase::Down, Some(base)) = (self.phase, self.base) {
                self.limit = base.limit;
            }
            self.stay(self.hold);
            return;
        }
        let Some(base) = self.base else {
            self.base = Some(measure);
            return self.first(measure);
        };
        let ratio = measure.throughput() / base.throughput();
        let step = measure.limit / base.limit;
        match self.phase {
            Phase::Rising => self.risen(base, measure, ratio, step),
            Phase::Falling(by) => self.fallen(base, measure, ratio, by),
            Phase::Hold(left) => {
                self.base = Some(measure);
                match left {
                    0 | 1 => self.probe(),
                    _ => self.phase = Phase::Hold(left - 1),
                }
            }
            Phase::Up if ratio > 1.0 + 0.9 * (step - 1.0) && step > 1.0 => {
                // Far below the knee: search in large steps again.
                self.base = Some(measure);
                self.phase = Phase::Rising;
                self.double(measure.limit);
            }
            Phase::Up => self.land(
                base,
                base.limit * ratio.powi(WEIGHT).clamp(1.0, step.max(1.0)),
            ),
            Phase::Down if ratio > FREE => self.fall(measure, DOUBLE),
            Phase::Down => {
                let back = base.limit / measure.limit;
                let factor = ratio.max(1e-3).powi(-WEIGHT).clamp(1.0, back.max(1.0));
                self.land(base, measure.limit * factor);
            }
        }
    }

    /// A first measure, of a search or after a cut.
    fn first(&mut self, measure: Measure) {
        match self.phase {
            Phase::Rising => self.double(measure.limit),
            Phase::Hold(left) if left > 1 => self.phase = Phase::Hold(left - 1),
            _ => self.probe(),
        }
    }

    fn risen(&mut self, base: Measure, measure: Measure, ratio: f64, step: f64) {
        if ratio > 1.0 + 0.5 * (step - 1.0) {
            self.base = Some(measure);
            self.double(measure.limit);
        } else if ratio > 1.1 {
            self.land(base, base.limit * ratio);
        } else if base.limit > 1.0 {
            // No gain: the knee may be far below.
            self.fall(base, DOUBLE);
        } else {
            self.land(base, base.limit);
        }
    }

    fn fallen(&mut self, base: Measure, measure: Measure, ratio: f64, by: f64) {
        if ratio < FREE {
            self.land(base, (measure.limit / ratio.max(1e-3)).min(base.limit));
        } else {
            self.fall(measure, (by * by).min(16.0));
        }
    }

    /// Goes down from a limit that is higher than it need be.
    fn fall(&mut self, from: Measure, by: f64) {
        if from.limit <= 1.0 {
            return self.land(from, 1.0);
        }
        self.base = Some(from);
        self.phase = Phase::Falling(by);
        self.limit = (from.limit / by).round().max(1.0);
    }

    fn double(&mut self, from: f64) {
        let to = self.bounded(from * DOUBLE);
        if to.round() > from.round() {
            self.limit = to;
        } else {
            self.stay(1);
        }
    }

    /// The end of a search step or a probe: the new limit is held, longer when it did not move.
    fn land(&mut self, base: Measure, limit: f64) {
        let limit = self.bounded(limit);
        let moved = (limit - base.limit).abs() > 0.04 * base.limit;
        self.hold = match moved {
            true => 1,
            false => (2 * self.hold).min(LONGEST_HOLD),
        };
        self.limit = limit;
        self.stay(self.hold);
    }

    fn stay(&mut self, hold: u32) {
        self.phase = Phase::Hold(hold);
        self.base = None;
    }

    /// Tries another limit; where it would round to the same one, the other direction.
    fn probe(&mut self) {
        let now = self.limit();
        for _ in 0..2 {
            let up = self.up_next;
            self.up_next = !up;
            let to = match up {
                true => self.bounded((self.limit * UP).max(now as f64 + 1.0)),
                false => (self.limit * DOWN).min(now as f64 - 1.0).max(1.0),
            };
            if to.round() as usize != now {
                self.phase = if up { Phase::Up } else { Phase::Down };
                self.limit = to.round();
                return;
            }
        }
        self.stay(LONGEST_HOLD);
    }

    /// The server asks for less.
    fn cut(&mut self, measure: Measure) {
        let below = (0.95 * measure.limit).min(measure.limit - 1.0).max(1.0);
        self.ceiling = Some((below, REMEMBERED));
        if let (Phase::Up, Some(base)) = (self.phase, self.base) {
            // Only the probe went too far.
            self.limit = self.bounded(base.limit);
            self.hold = LONGEST_HOLD;
            self.stay(self.hold);
            return;
        }
        let (from, share) = *self
            .cut_from
            .get_or_insert((measure.limit, measure.refused));
        let deep = measure.limit <= (DEEP * from).max(1.0);
        if deep && measure.refused > UNMOVED * share {
            // The server refuses as many of few as it did of many: it has other troubles.
            self.let_pass = (2.0 * share.max(measure.refused)).min(0.5);
            self.cut_from = None;
            self.ceiling = None;
            self.limit = self.bounded(from / 2.0);
            self.stay(1);
            return;
        }
        self.hold = 1;
        if measure.refused > 0.1 {
            // Far too many: halve, and come back from below.
            self.limit = self.bounded(measure.limit / 2.0);
            self.phase = Phase::Rising;
            self.base = None;
        } else {
            self.limit = self.bounded(measure.limit * 0.9);
            self.stay(1);
        }
    }

    fn bounded(&self, limit: f64) -> f64 {
        let ceiling = self.ceiling.map_or(f64::INFINITY, |(at, _)| at);
        limit.min(self.most).min(ceiling).max(1.0)
    }
}
