//! What goes out: everything, in order, in packets that fit.

use super::objects::{ref_id, rows, write};
use super::script::Scripted;
use crate::object::Outcome;
use crate::sif::{Demand, Packed};

fn things(packets: &[String]) -> String {
    let objects = packets.iter().map(|packet| {
        let packed = Packed {
            number: 0,
            msg_id: String::new(),
            bytes: packet.clone().into_bytes(),
            objects: 0,
            ref_ids: None,
            more: false,
        };
        packet.get(packed.object_data()).unwrap().to_owned()
    });
    objects.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_buffer_brings_the_same_objects() {
    let mut seen = Vec::new();
    for buffer in [4096, 65_536, 1 << 20] {
        let dir = tempfile::tempdir().unwrap();
        let mut all = rows(3000);
        all[7].1 = Some("rejected");
        let objects = write(dir.path(), &all);
        let zone = Scripted::start().await;
        zone.ask_all("R1", buffer);
        let desk = zone.desk(dir.path(), &objects);
        zone.sync(&desk).await.unwrap();
        let state = zone.state();
        assert_eq!(state.taken, ["R1"]);
        for packet in &state.packets {
            assert!(packet.len() <= buffer, "{} bytes of {buffer}", packet.len());
        }
        let last = state.packets.last().unwrap();
        assert!(last.contains("<SIF_MorePackets>No</SIF_MorePackets>"));
        let things = things(&state.packets);
        assert_eq!(things.matches("<Thing RefId=").count(), 2999);
        assert!(!things.contains(&ref_id(7)) && things.contains("Last &amp; &lt;8&gt;"));
        seen.push(things);
        let answered = &desk.answered()[0];
        assert_eq!(
            (answered.wanted, answered.delivered, answered.undelivered()),
            (2999, 2999, 0)
        );
        assert_eq!(answered.packets as usize, state.packets.len());

        let results = dir.path().join("results/Thing.parquet");
        std::fs::create_dir(dir.path().join("results")).unwrap();
        let (tally, file) = desk.shelves["Thing"]
            .settle(&results, Demand::Asked, None)
            .unwrap();
        assert_eq!(file.rows, 3000);
        assert_eq!(
            (tally.of(Outcome::Created), tally.of(Outcome::Rejected)),
            (2999, 1)
        );
        tally.check("Thing", 3000).unwrap();
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conditions_and_projection_are_pushed_down() {
    let dir = tempfile::tempdir().unwrap();
    let objects = write(dir.path(), &rows(100));
    let zone = Scripted::start().await;
    let query = |inside: &str| {
        format!(
            "<SIF_MaxBufferSize>65536</SIF_MaxBufferSize><SIF_Query>\
             <SIF_QueryObject ObjectName=\"Thing\"><SIF_Element>Size</SIF_Element>\
             </SIF_QueryObject>{inside}</SIF_Query>"
        )
    };
    let condition = |element: &str, operator: &str, value: &str| {
        format!(
            "<SIF_Condition><SIF_Element>{element}</SIF_Element><SIF_Operator>{operator}\
             </SIF_Operator><SIF_Value>{value}</SIF_Value></SIF_Condition>"
        )
    };
    let both =
        condition("Size", "GE", "8") + &condition("Name/LastName", "NE", "Last &amp; &lt;8&gt;");
    zone.ask(
        "R1",
        "2.0r1",
        &query(&format!(
            "<SIF_ConditionGroup Type=\"None\"><SIF_Conditions Type=\"And\">{both}\
             </SIF_Conditions></SIF_ConditionGroup>"
        )),
    );
    let example = format!(
        "<SIF_Example><Thing RefId=\"{}\"/></SIF_Example>",
        ref_id(42)
    );
    zone.ask("R2", "2.*", &query(&example));
    let desk = zone.desk(dir.path(), &objects);
    zone.sync(&desk).await.unwrap();
    let state = zone.state();
    let of = |request: &str| {
        let mine = state.packets.iter().filter(|p| p.contains(request));
        things(&mine.cloned().collect::<Vec<_>>())
    };
    // 8, 9, 18, 19 ... without the very first 8.
    assert_eq!(of("R1").matches("<Thing RefId=").count(), 19);
    assert!(!of("R1").contains("LastName"), "only what was asked for");
    let one = format!("<Thing RefId=\"{}\"><Size>2</Size></Thing>", ref_id(42));
    assert_eq!(of("R2"), one);
    let first = state.packets.iter().find(|p| p.contains("R1")).unwrap();
    assert!(
        first.contains("Version=\"2.0r1\""),
        "in the version that was asked for"
    );
    assert!(
        desk.handovers().all().unwrap().is_empty(),
        "a part is no hand-over"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_answered_is_refused_with_its_code() {
    let dir = tempfile::tempdir().unwrap();
    let objects = write(dir.path(), &rows(3));
    let zone = Scripted::start().await;
    let query = |object: &str, inside: &str| {
        format!("<SIF_Query><SIF_QueryObject ObjectName=\"{object}\"/>{inside}</SIF_Query>")
    };
    let size = "<SIF_MaxBufferSize>65536</SIF_MaxBufferSize>";
    let bad = "<SIF_ConditionGroup Type=\"None\"><SIF_Conditions Type=\"None\"><SIF_Condition>\
        <SIF_Element>Nothing</SIF_Element><SIF_Operator>EQ</SIF_Operator><SIF_Value>1</SIF_Value>\
        </SIF_Condition></SIF_Conditions></SIF_ConditionGroup>";
    let cases = [
        (
            "A1",
            "2.*",
            format!("{size}{}", query("Nothing", "")),
            "8/3",
        ),
        (
            "A2",
            "1.5r1",
            format!("{size}{}", query("Thing", "")),
            "8/7",
        ),
        (
            "A3",
            "2.*",
            format!(
                "<SIF_MaxBufferSize>64</SIF_MaxBufferSize>{}",
                query("Thing", "")
            ),
            "8/8",
        ),
        ("A4", "2.*", format!("{size}{}", query("Thing", bad)), "8/9"),
        ("A5", "2.*", format!("{size}<SIF_ExtendedQuery/>"), "8/15"),
        ("A6", "2.*", query("Thing", ""), "1/6"),
    ];
    for (id, version, inside, _) in &cases {
        zone.ask(id, version, inside);
    }
    let desk = zone.desk(dir.path(), &objects);
    zone.sync(&desk).await.unwrap();
    let state = zone.state();
    assert_eq!(
        state.taken.len(),
        cases.len(),
        "each is acknowledged all the same"
    );
    for (id, _, _, code) in &cases {
        let (category, code) = code.split_once('/').unwrap();
        let answer = state
            .packets
            .iter()
            .find(|p| p.contains(&format!("<SIF_RequestMsgId>{id}<")))
            .unwrap();
        let error = format!(
            "<SIF_MorePackets>No</SIF_MorePackets><SIF_Error><SIF_Category>{category}\
             </SIF_Category><SIF_Code>{code}</SIF_Code>"
        );
        assert!(answer.contains(&error), "{id}: {answer}");
    }
}
