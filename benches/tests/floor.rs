//! The driver's own check, that every copy arrives exactly once, against the floor: on one thread and across two.

use std::path::PathBuf;
use std::time::Duration;

use hubbub_benches::driver::target::{Binaries, Kind, Target};
use hubbub_benches::driver::workload::{self, Placement, Point, Sample, Times};

const TIMES: Times = Times { warm_up: Duration::from_millis(20), window: Duration::from_millis(100) };

fn floor(threads: u16) -> Target {
    let binaries = Binaries {
        server: PathBuf::new(),
        floor: env!("CARGO_BIN_EXE_hubbub-floor").into(),
        load: PathBuf::new(),
        older: None,
        data: std::env::temp_dir(),
    };
    Target::start(&binaries, Kind::Floor, threads).unwrap()
}

/// The points that a workload recorded; each has delivered something.
fn points(workload: impl FnOnce(workload::Record<'_>) -> anyhow::Result<()>) -> Vec<Point> {
    let mut points = Vec::new();
    let mut record = |point: Point, sample: Sample| {
        assert!(sample.rate > 0.0, "{point}: {sample:?}");
        points.push(point);
    };
    workload(&mut record).unwrap();
    points
}

#[test]
fn each_copy_arrives_once() {
    for (threads, placement) in [(1, Placement::Same), (2, Placement::Same), (2, Placement::Across)] {
        let target = floor(threads);
        let direct = points(|record| workload::direct(&target, placement, 8, &[1, 64], TIMES, record));
        assert_eq!(direct, [1, 64].map(|in_flight| Point::Direct { placement, in_flight }));
        let group = points(|record| workload::group(&target, 50, 4, TIMES, record));
        assert_eq!(group, [Point::Group { members: 50, senders: 4 }]);
    }
}
