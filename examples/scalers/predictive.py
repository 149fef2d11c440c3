"""Scales by the time of day, a little ahead of it, so that replicas serve when the traffic comes.

It holds the lease and renews it with each call; with --once, from cron, it should be called more often than --ttl-s.
"""

import argparse
import time
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from webhook import Held, Unreachable, run, say, scale

# Replicas from an hour of the day on, as past traffic suggests: business hours, evening peak, night.
PLAN = "0=3,9=10,17=15,22=3"


def parse_plan(text):
    try:
        entries = [tuple(int(number) for number in entry.split("=")) for entry in text.split(",")]
        plan = sorted((hour, replicas) for hour, replicas in entries)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} must look like {PLAN}") from None
    if any(not 0 <= hour < 24 or replicas < 0 for hour, replicas in plan):
        raise argparse.ArgumentTypeError(f"{text!r} must have hours from 0 to 23, and replicas from 0")
    return plan


def replicas_at(plan, moment):
    """What the plan says for an hour; before its first one the last still holds, from the day before."""
    return next((replicas for hour, replicas in reversed(plan) if hour <= moment.hour), plan[-1][1])


def wanted(options, now):
    """The most that is needed between now and --lead-min from now."""
    moments = [now + timedelta(minutes=minutes) for minutes in {*range(0, options.lead_min, 60), options.lead_min}]
    return max(replicas_at(options.plan, moment.astimezone(options.timezone)) for moment in moments)


def turn(options, last):
    now = options.at or datetime.now(timezone.utc)
    replicas = wanted(options, now)
    local = now.astimezone(options.timezone)
    answer = scale(
        options.application,
        options.deployment,
        replicas,
        timeout_s=options.timeout_s,
        reason=f"planned for {local:%H:%M} and {options.lead_min} min on",
        owner=options.owner,
        ttl_s=options.ttl_s,
    )
    if replicas != last:
        say(f"{local:%H:%M}: {answer.get('previous_target_num_replicas')} -> {replicas} replicas")
    return replicas


def main():
    options = arguments()
    if options.once or options.at:
        turn(options, None)
        return
    last = None
    while True:
        try:
            last = turn(options, last)
        except (Held, Unreachable) as error:
            say(f"{error}; trying again in {options.interval_s:g} s")
        time.sleep(options.interval_s)


def zone(name):
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise argparse.ArgumentTypeError(f"{name!r} is no time zone; give one like Europe/Berlin") from None


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("application")
    parser.add_argument("deployment")
    parser.add_argument("--plan", type=parse_plan, default=PLAN, help=f"hour=replicas,...; default {PLAN}")
    parser.add_argument("--timezone", type=zone, help="like Europe/Berlin; default the machine's")
    parser.add_argument("--lead-min", type=int, default=10, help="minutes that replicas are ahead of time; default 10")
    parser.add_argument("--interval-s", type=float, default=60, help="seconds between two calls; default 60")
    parser.add_argument("--ttl-s", type=float, default=900, help="seconds that the lease lasts; default 900")
    parser.add_argument("--timeout-s", type=float, default=10, help="seconds that one request may take; default 10")
    parser.add_argument("--owner", default="predictive", help="whom the lease names; default predictive")
    parser.add_argument("--once", action="store_true", help="one call, then end: for cron")
    parser.add_argument("--at", type=datetime.fromisoformat, help="one call as of this time, to try a plan")
    options = parser.parse_args()
    if not 0 <= options.lead_min < 24 * 60:
        parser.error(f"--lead-min {options.lead_min} must be from 0 to {24 * 60 - 1}")
    if options.interval_s <= 0 or options.timeout_s <= 0:
        parser.error("--interval-s and --timeout-s must be above 0")
    if not (options.once or options.at) and options.ttl_s < 2 * options.interval_s:
        parser.error(f"--ttl-s {options.ttl_s:g} must be at least twice --interval-s, or the lease ends between calls")
    if options.at and options.at.tzinfo is None:
        # A time without a zone is one on the plan's clock.
        options.at = options.at.replace(tzinfo=options.timezone).astimezone(timezone.utc)
    return options


if __name__ == "__main__":
    run(main)
