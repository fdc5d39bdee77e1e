//! What the fuzz targets found before is still read well.

use std::{fs, path::Path};

use dnsbl_fuzz::TARGETS;

#[test]
fn every_input_of_the_corpora_is_read_well() {
    for (name, target) in TARGETS {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let inputs =
            fs::read_dir(&corpus).unwrap_or_else(|why| panic!("{}: {why}", corpus.display()));
        let mut count = 0;
        for input in inputs {
            let path = input.unwrap().path();
            println!("{}", path.display());
            target(&fs::read(&path).unwrap());
            count += 1;
        }
        assert!(count > 0, "{name} has no inputs");
    }
}
