//! The API does what its description says: Schemathesis makes requests out of it, right and wrong ones, and checks every
//! answer.

use std::{env, path::PathBuf};

use tokio::process::Command;

use crate::support::process::Place;

/// Where `.ci/prepare test` installs it.
fn schemathesis() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cache/tidings");
    let cache = env::var_os("TIDINGS_CACHE").map_or_else(home, PathBuf::from);
    cache.join("schemathesis/bin/schemathesis")
}

#[tokio::test]
async fn the_api_keeps_to_its_description() {
    let place = Place::new().with("TIDINGS_API_RATE", "0");
    let scopes = "components,incidents,subscribers,broadcasts";
    let token = place.run(&["key", "create", "--name", "Test", "--scopes", scopes, "--expires", "1d"]).await.ok();
    let process = place.serve().await;
    let program = schemathesis();
    assert!(program.is_file(), "{} is missing: `.ci/prepare test` installs it", program.display());
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/process/schemathesis.toml");
    let said = Command::new(program)
        .args(["--config-file", config, "run", &format!("{}/api/v1/openapi.json", process.url)])
        .args(["--header", &format!("Authorization: Bearer {}", token.trim_end())])
        .args(["--checks", "all", "--max-examples", "10", "--seed", "1", "--no-color"])
        .current_dir(&place.folder)
        .output()
        .await
        .unwrap();
    let report = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "{report}\n{}", process.stderr());
    assert!(report.contains("Tested: 20"), "{report}");
    process.stop().await;
}
