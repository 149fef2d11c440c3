"""Scales on a metric in Prometheus's text format: up at once, down when less was needed for a while.

It holds the lease and renews it with each call. When it dies, or cannot read its metric, the lease ends and Windlass
falls back by itself, as scaling.lease_fallback says.
"""

import argparse
import http.client
import math
import os
import re
import time
import urllib.error
import urllib.request

from webhook import Held, OPENER, Unreachable, one_line, run, say, scale

MAX_METRICS_BYTES = 16 << 20
SAMPLE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+(\S+)')
LABEL = re.compile(r'(\w+)\s*=\s*"((?:[^"\\]|\\.)*)"')


class Unreadable(Exception):
    """The metric has no value now. That is not 0."""


def metric_sum(text, name, labels):
    """Sum of the samples of a metric that have these labels."""
    values = []
    for line in text.splitlines():
        sample = SAMPLE.match(line)
        if sample and sample[1] == name and labels.items() <= dict(LABEL.findall(sample[2] or "")).items():
            values.append(float(sample[3]))
    if not values:
        raise Unreadable(f"there is no sample of {name} {labels or ''}".rstrip())
    if not math.isfinite(sum(values)):
        raise Unreadable(f"{name} is {sum(values)}")
    return sum(values)


def read_metric(options):
    token = os.environ.get("METRICS_TOKEN", "").strip()
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(options.metrics, headers=headers)
        with OPENER.open(request, timeout=options.timeout_s) as response:
            text = response.read(MAX_METRICS_BYTES).decode(errors="replace")
        return metric_sum(text, options.metric, dict(options.label))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreadable(f"cannot read {options.metrics}: {one_line(error)}") from None


class Window:
    """The most replicas that were needed within the last seconds: up at once, down late."""

    def __init__(self, length_s):
        self.length_s = length_s
        self.seen = []

    def add(self, now, replicas):
        self.seen = [(at, count) for at, count in self.seen if at > now - self.length_s] + [(now, replicas)]

    def most(self):
        return max(count for _, count in self.seen)


def bounded(options, replicas):
    return max(options.min, min(options.max, replicas))


def ask(options, replicas, **more):
    return scale(
        options.application,
        options.deployment,
        replicas,
        timeout_s=options.timeout_s,
        attempts=3,
        owner=options.owner,
        ttl_s=options.ttl_s,
        fence=options.fence,
        **more,
    )


def turn(options, window):
    value = read_metric(options)
    if not window.seen:
        # What runs counts as needed, so that a restart of this program scales nothing down before its time.
        present = ask(options, options.min, dry_run=True).get("previous_target_num_replicas", options.min)
        window.add(time.monotonic(), bounded(options, present))
    window.add(time.monotonic(), bounded(options, math.ceil(value / options.per_replica)))
    replicas = window.most()
    before = ask(options, replicas, reason=f"{options.metric} is {value:g}").get("previous_target_num_replicas")
    if before != replicas:
        say(f"{options.metric} is {value:g}: {before} -> {replicas} replicas")


def main():
    options = arguments()
    window = Window(options.down_after_s)
    while True:
        try:
            turn(options, window)
        except Unreadable as error:
            say(f"{error}; the lease is not renewed")
        except Unreachable as error:
            say(f"{error}; trying again in {options.interval_s:g} s")
        except Held as error:
            # Stands by, and takes over once that lease has ended.
            window = Window(options.down_after_s)
            say(f"{error}; trying again in {options.interval_s:g} s")
        time.sleep(options.interval_s)


def label(text):
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} must have the form name=value")
    return name, value


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("application")
    parser.add_argument("deployment")
    parser.add_argument("--metrics", required=True, help="address that is read, with METRICS_TOKEN if set")
    parser.add_argument("--metric", required=True, help="its samples are added up")
    parser.add_argument("--label", type=label, action="append", default=[], help="name=value; only samples with it")
    parser.add_argument("--per-replica", type=float, required=True, help="how much of the metric one replica can take")
    parser.add_argument("--min", type=int, default=1, help="replicas at least; default 1")
    parser.add_argument("--max", type=int, default=10, help="replicas at most; default 10")
    parser.add_argument("--interval-s", type=float, default=15, help="seconds between two looks; default 15")
    parser.add_argument("--down-after-s", type=float, default=300, help="seconds before scaling down; default 300")
    parser.add_argument("--ttl-s", type=float, default=90, help="seconds that the lease lasts; default 90")
    parser.add_argument("--timeout-s", type=float, default=10, help="seconds that one request may take; default 10")
    parser.add_argument("--owner", default="metric-driven", help="whom the lease names; default metric-driven")
    parser.add_argument("--fence", type=int, help="number that a lock service gave, where several of these run")
    options = parser.parse_args()
    if options.per_replica <= 0:
        parser.error(f"--per-replica {options.per_replica:g} must be above 0")
    if not 0 <= options.min <= options.max:
        parser.error(f"--min {options.min} must be from 0 to --max {options.max}")
    if options.interval_s <= 0 or options.timeout_s <= 0:
        parser.error("--interval-s and --timeout-s must be above 0")
    if options.ttl_s < 2 * options.interval_s:
        parser.error(f"--ttl-s {options.ttl_s:g} must be at least twice --interval-s, or the lease ends between calls")
    return options


if __name__ == "__main__":
    run(main)
