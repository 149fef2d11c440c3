"""Scales once, by hand, and says why: for a load test, a quiet weekend, a development machine."""

import argparse

from webhook import run, scale


def main():
    options = arguments()
    answer = scale(
        options.application,
        options.deployment,
        options.replicas,
        timeout_s=options.timeout_s,
        reason=options.reason,
        owner=None if options.hold_s is None else options.owner,
        ttl_s=options.hold_s,
        force=options.force or None,
        dry_run=options.dry_run or None,
    )
    before = answer.get("previous_target_num_replicas")
    note = " (nothing is changed)" if options.dry_run else ""
    print(f"{options.application}/{options.deployment}: target {before} -> {options.replicas}{note}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("application")
    parser.add_argument("deployment")
    parser.add_argument("replicas", type=int)
    parser.add_argument("--reason", required=True, help="kept with the target, for whoever looks at it")
    parser.add_argument("--hold-s", type=float, help="seconds that other scalers are kept out, by a lease")
    parser.add_argument("--owner", default="manual", help="whom that lease names; default manual")
    parser.add_argument("--force", action="store_true", help="goes over another's lease; needs a deployer's token")
    parser.add_argument("--dry-run", action="store_true", help="checks everything and changes nothing")
    parser.add_argument("--timeout-s", type=float, default=10, help="seconds that one request may take; default 10")
    options = parser.parse_args()
    if options.replicas < 0:
        parser.error(f"replicas {options.replicas} must be at least 0")
    if options.hold_s is not None and options.hold_s <= 0 or options.timeout_s <= 0:
        parser.error("--hold-s and --timeout-s must be above 0")
    return options


if __name__ == "__main__":
    run(main)
