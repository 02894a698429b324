//! (in progress)
pub trait Progress: Send + Sync {
    fn start(&self, what: &str, total: Option<u64>);
    fn advance(&self, what: &str, n: u64, errors: u64);
    fn finish(&self, what: &str, message: &str);
    fn note(&self, line: &str);
}
