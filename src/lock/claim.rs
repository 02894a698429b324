//! Getting a lock: all of it or nothing, in one step; and keeping it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::sync::watch;

use super::error::LockError;
use super::lease::{
    FORMAT, HEARTBEAT, Lease, alive_file, beat, is_alive, lease_file, read_all, remove, server_time,
};
use super::objects::ObjectClaims;
use super::pairs::Pairs;
use crate::account::{Account, Process};
use crate::files;

/// How often a waiting run looks again.
const LOOK: Duration = Duration::from_millis(300);

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The configuration's folder of locks ([`super::folder`]).
    pub folder: PathBuf,
    /// The configuration.
    pub configuration: String,
    /// The verb that asks.
    pub verb: String,
    /// The resources and schools.
    pub pairs: Pairs,
}

/// What to do when another run holds some of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// Fail at once.
    #[default]
    No,
    /// Wait so long.
    UpTo(Duration),
    /// Wait until it is free.
    Forever,
}

/// Gets the lock, or tells who holds it. Nothing is held while it waits, so that two waiting runs
/// never wait for each other. `cancel` ends the waiting.
///
/// # Errors
/// [`LockError`].
pub async fn claim(
    request: &Request,
    wait: Wait,
    mut cancel: watch::Receiver<bool>,
) -> Result<Held, LockError> {
    let began = Instant::now();
    let mut told = false;
    loop {
        if *cancel.borrow() {
            return Err(LockError::Stopped);
        }
        let conflicts = match attempt(request)? {
            Ok((lease, alive)) => return Ok(Held::new(request, lease, alive)),
            Err(conflicts) => conflicts,
        };
        let waited = began.elapsed();
        let patient = match wait {
            Wait::No => {
                let waited = None;
                return Err(LockError::Held { conflicts, waited });
            }
            Wait::UpTo(most) => waited < most,
            Wait::Forever => true,
        };
        if !patient {
            let waited = Some(waited);
            return Err(LockError::Held { conflicts, waited });
        }
        if !std::mem::replace(&mut told, true) {
            for (lease, pairs) in &conflicts {
                tracing::warn!("waiting for {lease}: {pairs}");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            // A sender that is gone cannot cancel any more.
            _ = cancel.wait_for(|cancelled| *cancelled), if cancel.has_changed().is_ok() => {}
        }
    }
}

/// Locks the folder for a moment.
pub(super) fn moment(folder: &Path) -> io::Result<File> {
    files::create_dir(folder)?;
    let path = folder.join("claim.lock");
    let file = files::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|e| files::at(&path, &e))?;
    file.lock().map_err(|e| files::at(&path, &e))?;
    Ok(file)
}

type Attempt = Result<(Lease, File), Vec<(Lease, Pairs)>>;

/// Reads, compares and writes in one step.
fn attempt(request: &Request) -> io::Result<Attempt> {
    let Request { folder, pairs, .. } = request;
    let _moment = moment(folder)?;
    let here = Process::current();
    let mut now = None;
    let (mut conflicts, mut newest) = (Vec::new(), 0);
    let mut others = false;
    for lease in read_all(folder)? {
        newest = newest.max(lease.id);
        let overlap = lease.pairs.overlap(pairs);
        let time = *now.get_or_insert_with(|| server_time(folder));
        if is_alive(folder, &lease, &here, &|| time) {
            others = true;
            conflicts.extend(overlap.map(|pairs| (lease, pairs)));
        } else {
            let taken = overlap.is_some();
            tracing::warn!(taken, "the lock of {lease} is void: its process has ended");
            remove(folder, lease.id);
        }
    }
    if !conflicts.is_empty() {
        return Ok(Err(conflicts));
    }
    if !others {
        // Claims on objects outlive their run, for those that ran beside it; now there is none.
        ObjectClaims::sweep(folder)?;
    }
    let since = Utc::now();
    let id = u64::try_from(since.timestamp_micros()).unwrap_or_default();
    let lease = Lease {
        format: FORMAT,
        id: id.max(newest + 1),
        configuration: request.configuration.clone(),
        verb: request.verb.clone(),
        run: None,
        user: Account::current().user,
        process: here,
        since,
        pairs: pairs.clone(),
    };
    let path = alive_file(folder, lease.id);
    let mut alive = files::create(&path)?;
    alive
        .lock()
        .and_then(|()| beat(&mut alive))
        .map_err(|e| files::at(&path, &e))?;
    write(folder, &lease)?;
    Ok(Ok((lease, alive)))
}

fn write(folder: &Path, lease: &Lease) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(lease)?;
    files::write(&lease_file(folder, lease.id), &text)
}

/// A lock that is held; dropped, it is released.
#[derive(Debug)]
pub struct Held {
    folder: PathBuf,
    lease: Lease,
    lost: watch::Sender<bool>,
    heart: tokio::task::JoinHandle<()>,
    /// Kept for its lock; closed before the lease is removed only when the process dies.
    _alive: File,
}

impl Held {
    fn new(request: &Request, lease: Lease, alive: File) -> Self {
        let folder = request.folder.clone();
        let lost = watch::Sender::new(false);
        let heart = tokio::spawn(live(folder.clone(), lease.id, lost.clone()));
        Self {
            folder,
            lease,
            lost,
            heart,
            _alive: alive,
        }
    }

    /// Tells others which run it is.
    ///
    /// # Errors
    /// The lease cannot be written.
    pub fn named(&mut self, run: &str) -> io::Result<()> {
        let _moment = moment(&self.folder)?;
        self.lease.run = Some(run.to_owned());
        match lease_file(&self.folder, self.lease.id).exists() {
            true => write(&self.folder, &self.lease),
            // Taken over in the meantime: the heart finds out.
            false => Ok(()),
        }
    }

    /// What is held.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Turns true when `outside` does, and when the lock is lost (another machine has taken this
    /// process for dead): nothing more may be sent then.
    pub fn cancel(&self, outside: &watch::Receiver<bool>) -> watch::Receiver<bool> {
        let (both, cancel) = watch::channel(*outside.borrow());
        let (mut outside, mut lost) = (outside.clone(), self.lost.subscribe());
        tokio::spawn(async move {
            let by = async |on: &mut watch::Receiver<bool>| {
                if on.wait_for(|on| *on).await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = by(&mut outside) => {}
                () = by(&mut lost) => {}
                () = both.closed() => return,
            }
            both.send_replace(true);
        });
        cancel
    }

    /// The claims on district-wide objects, for a run that is limited to schools. A run over every
    /// school needs none: it excludes all others.
    pub fn objects(&self) -> Option<ObjectClaims> {
        let limited = self.lease.pairs.schools.is_some();
        limited.then(|| ObjectClaims::new(&self.folder, self.lease.id))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.heart.abort();
        // As well as it can: what stays behind is void, because its process has ended.
        if let Ok(_moment) = moment(&self.folder) {
            remove(&self.folder, self.lease.id);
            if read_all(&self.folder).is_ok_and(|left| left.is_empty()) {
                let _ = ObjectClaims::sweep(&self.folder);
            }
        }
    }
}

/// Shows that the holder lives, and notices when the lease was taken over.
async fn live(folder: PathBuf, id: u64, lost: watch::Sender<bool>) {
    let path = alive_file(&folder, id);
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        if !lease_file(&folder, id).exists() {
            tracing::error!("another run has taken this run for dead and its lock over; it stops");
            lost.send_replace(true);
            return;
        }
        let beaten = fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|mut file| beat(&mut file));
        if let Err(error) = beaten {
            tracing::warn!(%error, "the heartbeat of the lock cannot be written");
        }
    }
}
