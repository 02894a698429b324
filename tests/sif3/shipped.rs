//! The embedded provider, and what the pipeline file may say.

use super::Rest;

fn sandboxed(rest: &Rest) {
    let text = std::fs::read_to_string(rest.path("pipelines/mini.toml")).expect("a pipeline");
    let server = "url = \"${TARGET}\"\nkey_env = \"KEY\"\nsecret_env = \"SECRET\"";
    assert!(text.contains(server));
    rest.write(
        "pipelines/mini.toml",
        &text.replace(server, "sandbox = true"),
    );
}

#[test]
fn item_8_the_embedded_provider_keeps_its_objects_between_runs() {
    let rest = Rest::new(3);
    sandboxed(&rest);
    rest.fullsync(&["run", "mini", "--demo"]).expect(0);
    assert_eq!(rest.tally("StudentPersonal", "created"), 3);
    rest.fullsync(&["run", "mini", "--demo"]).expect(0);
    assert_eq!(rest.tally("StudentPersonal", "unchanged"), 3);
    let counted = rest
        .fullsync(&["count", "mini", "StudentPersonal"])
        .expect(0);
    assert!(
        counted.stdout.trim_end().ends_with('3'),
        "{}",
        counted.stdout
    );
    let status = rest.fullsync(&["status", "mini"]).expect(0);
    assert!(
        status.stdout.contains("StudentPersonal"),
        "{}",
        status.stdout
    );
}

#[test]
fn item_7_a_pipeline_that_cannot_be_is_told_whole() {
    let rest = Rest::new(1);
    rest.pipeline(
        "authentication = \"digest\"\ninfrastructure = \"2.7\"\nbatch_objects = 0",
        "mode = \"verify\"",
    );
    let refused = rest.fullsync(&["validate", "mini"]).expect(2);
    for text in [
        "`sif3.authentication` cannot be `digest`",
        "`sif3.infrastructure` is a version of SIF 3",
        "batch_objects",
    ] {
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert!(said.contains(text), "{text}: {said}");
    }
    rest.pipeline("", "mode = \"verify\"");
    let refused = rest.fullsync(&["validate", "mini"]).expect(2);
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(said.contains("a provider takes objects"), "{said}");
}
