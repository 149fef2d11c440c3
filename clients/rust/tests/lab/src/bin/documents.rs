//! Reads a JSON list of config documents, and prints what each is on the wire, in hex.

use std::error::Error;

use windlass_client::{deploy_config, prost::Message, serde_json};

fn main() -> Result<(), Box<dyn Error>> {
    let documents: Vec<serde_json::Value> = serde_json::from_reader(std::io::stdin())?;
    for document in &documents {
        let bytes = deploy_config(document)?.encode_to_vec();
        println!("{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }
    Ok(())
}
