//! Who may run batch and selective sync.

use super::Dis;

/// The user that the tests run as.
fn me() -> String {
    fullsync::account::Account::current().user
}

/// A district with this rights file.
fn guarded(rights: &str) -> Dis {
    let dis = Dis::new();
    let file = "[rights]\nfile = \"../rights.toml\"\n\n[report]";
    dis.pipeline("dis", &[("[report]", file)]);
    std::fs::write(dis.path("rights.toml"), rights.replace("ME", &me())).unwrap();
    dis
}

fn grant(tool: &str, rights: &str) -> String {
    format!("[[grant]]\nuser = \"ME\"\ntool = \"{tool}\"\nrights = \"{rights}\"\n")
}

const BATCH: [&str; 3] = ["run", "dis", "District"];
const SELECTIVE: [&str; 6] = ["run", "dis", "--object", "PersonIdentity", "--ids", "77"];

#[test]
fn d21_batch_runs_with_read_and_selective_needs_write() {
    // W, A and D of batch are nothing; R views and runs.
    for (rights, code) in [("R", 0), ("WAD", 2)] {
        let dis = guarded(&grant("dis-batch", rights));
        dis.fullsync(&BATCH).expect(code);
        let ran = dis.fullsync(&SELECTIVE).expect(2);
        assert!(ran.stderr.contains("dis-selective"), "{}", ran.stderr);
    }
    // R of batch views it, and not what the selective tool has sent; and the other way round.
    let look = ["status", "dis"];
    let sent = ["history", "list", "dis", "--selective"];
    for (tool, rights, codes) in [
        ("dis-batch", "R", (0, 2)),
        ("dis-batch", "WAD", (2, 2)),
        ("dis-selective", "R", (2, 0)),
        ("dis-selective", "WAD", (2, 2)),
    ] {
        let dis = guarded(&grant(tool, rights));
        dis.fullsync(&look).expect(codes.0);
        dis.fullsync(&sent).expect(codes.1);
    }
    // R of selective views; W uses it.
    for (rights, code) in [("R", 2), ("AD", 2), ("W", 0)] {
        let dis = guarded(&grant("dis-selective", rights));
        dis.fullsync(&SELECTIVE).expect(code);
        let ran = dis.fullsync(&BATCH).expect(2);
        assert!(ran.stderr.contains("dis-batch"), "{}", ran.stderr);
    }
}

#[test]
fn d23_an_administrative_role_needs_no_group() {
    let dis = guarded("[roles]\nadmin = [\"user:ME\"]\n");
    dis.fullsync(&BATCH).expect(0);
    dis.fullsync(&SELECTIVE).expect(0);
    // Or a group of one's own, with what it needs.
    let group = "[groups]\nreporting = [\"ME\"]\n\n[[grant]]\ngroup = \"reporting\"\n\
                 tool = \"dis-batch\"\nrights = \"R\"\n";
    let dis = guarded(group);
    dis.fullsync(&BATCH).expect(0);
    dis.fullsync(&SELECTIVE).expect(2);
}
