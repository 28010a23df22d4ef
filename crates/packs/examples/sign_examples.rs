//! Signs the example packs again after a change: `cargo run -p counterfoil-packs --example sign_examples`.

use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/industries");
    for example in packs::examples() {
        let path = folder.join(example.pack_file);
        let body = fs::read_to_string(&path)?;
        fs::write(&path, packs::sign(&body, &packs::example_key())?)?;
    }
    Ok(())
}
