//! Objects of the sample against the public schemas, where they and xmllint are there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{root, sample, sendable, xml};

/// Objects of each kind that are validated.
const SHOWN: usize = 60;

/// The folder of the public schemas: `FULLSYNC_SIF_XSD`, or beside the checkout; None without it or
/// xmllint.
pub fn schemas() -> Option<PathBuf> {
    // Without the tool the schemas are of no use.
    Command::new("xmllint").arg("--version").output().ok()?;
    let named = std::env::var_os("FULLSYNC_SIF_XSD").map(PathBuf::from);
    let beside = root().ancestors().map(|a| a.join("shared/data/sif/xsd"));
    named
        .into_iter()
        .chain(beside)
        .find(|folder| folder.is_dir())
}

/// What xmllint says of a document; None: it is valid.
pub fn faults(schema: &Path, document: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("message.xml");
    std::fs::write(&file, document).unwrap();
    let out = Command::new("xmllint")
        .args(["--nonet", "--noout", "--schema"])
        .args([schema, &file])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    (!out.status.success()).then_some(said)
}

/// The objects in an answer of a version.
fn message(object: &str, version: &str) -> String {
    let objects = xml(object, &sendable(&sample()[object]), version, SHOWN);
    format!(
        "<SIF_Message xmlns=\"http://www.sifinfo.org/infrastructure/2.x\" Version=\"{version}\">\
         <SIF_Response><SIF_Header><SIF_MsgId>{id}</SIF_MsgId>\
         <SIF_Timestamp>2026-03-02T08:00:00Z</SIF_Timestamp><SIF_SourceId>SIS</SIF_SourceId>\
         <SIF_DestinationId>LIB</SIF_DestinationId></SIF_Header>\
         <SIF_RequestMsgId>{id}</SIF_RequestMsgId><SIF_PacketNumber>1</SIF_PacketNumber>\
         <SIF_MorePackets>No</SIF_MorePackets><SIF_ObjectData>\n{objects}</SIF_ObjectData>\
         </SIF_Response></SIF_Message>\n",
        id = "0".repeat(32),
    )
}

#[test]
fn item_4_objects_are_valid_by_the_public_schemas() {
    let Some(schemas) = schemas() else {
        println!("skipped: no xmllint, or no schemas (FULLSYNC_SIF_XSD, ../shared/data/sif/xsd)");
        return;
    };
    let (message_schema, strict) = (
        schemas.join("us-2.6/SIF_Message.xsd"),
        schemas.join("na-2.8-datamodel/DataModel.xsd"),
    );
    let broken = message("LEAInfo", "2.6").replace("<LEAName>", "<LEAname>");
    assert!(
        faults(&message_schema, &broken).is_some(),
        "nothing is validated"
    );
    let mut wrong = String::new();
    for object in sample().keys() {
        // Order, codes and patterns by the messages' schema; mandatory content by the data model's.
        if let Some(said) = faults(&message_schema, &message(object, "2.6")) {
            let _ = writeln!(wrong, "== {object} 2.6\n{said}");
        }
        let objects = xml(object, &sendable(&sample()[object]), "2.7", SHOWN);
        let collection = format!(
            "<{object}s xmlns=\"http://www.sifinfo.org/infrastructure/2.x\">{objects}</{object}s>"
        );
        if let Some(said) = faults(&strict, &collection) {
            let _ = writeln!(wrong, "== {object} 2.7\n{said}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
