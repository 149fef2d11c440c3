//! Runs the cases of test/clients/cases.ts through the client; test/clients/README.md says what is asked for.

mod calls;
mod lab;
mod watches;

use std::time::Duration;

use windlass_client::Client;

use crate::lab::{one_line, Verdict};

/// Runs cases in order, each for at most a minute, and prints how they went.
macro_rules! run {
    ($client:ident: $($name:literal => $case:path,)+) => {$(
        let in_time = tokio::time::timeout(Duration::from_secs(60), $case(&$client)).await;
        report($name, in_time.unwrap_or_else(|_| Err("took more than a minute".into())));
    )+};
}

fn report(name: &str, verdict: Verdict) {
    match verdict {
        Ok(()) => println!("ok {name}"),
        Err(error) => println!("not ok {name}: {}", one_line(error.as_ref())),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Verdict {
    let client = Client::from_env()?;
    run! { client:
        "takes address and token from the environment" => calls::from_environment,
        "deploys an application and waits until it runs" => calls::deploys,
        "reads applications, deployments and replicas" => calls::reads,
        "scales with the scaler token of the application" => calls::scales,
        "tells UNAUTHENTICATED of an unknown token" => calls::unauthenticated,
        "tells PERMISSION_DENIED of a scaler that deploys" => calls::permission_denied,
        "tells NOT_FOUND of an application that is not there" => calls::not_found,
        "tells INVALID_CONFIG with each violation" => calls::invalid_config,
        "tells EXTERNAL_SCALER_DISABLED" => calls::scaler_disabled,
        "tells STALE_ETAG" => calls::stale_etag,
        "tells HISTORY_COMPACTED of a watch from long ago" => calls::history_compacted,
        "ends a call at its deadline" => calls::deadline,
        "tries a safe call again" => calls::safe_again,
        "does not try a write again" => calls::write_once,
        "watches what is, synced, then each change" => watches::changes,
        "watches on over cuts without a gap or a repeat" => watches::over_cuts,
        "begins anew with the present state where history is gone" => watches::begins_anew,
        "notices a half-open connection" => watches::half_open,
        "leaves a watch cleanly" => watches::leaves,
        "deletes the application" => watches::deletes,
    }
    Ok(())
}
