"""What the fuzzer may not do to the machine it runs on, and what it looks for besides the document's own rules."""

import os
import random
import re

import requests
import schemathesis

COUNTS = {"num_replicas", "min_replicas", "max_replicas", "initial_replicas", "target_num_replicas", "num_cpus"}
MOST_REPLICAS = 2
# The generator seeds the common one anew for each case, and would always throw the same.
dice = random.Random()


def tamed(value):
    """The same body without programs of the machine, and without replicas beyond what the machine carries."""
    if isinstance(value, list):
        return [tamed(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: tamed_entry(key, item) for key, item in value.items()}


def tamed_entry(key, value):
    if key == "command" and isinstance(value, list) and value and isinstance(value[0], str):
        return ["/nonexistent/program", *value[1:]]
    if key in COUNTS and isinstance(value, (int, float)) and value > MOST_REPLICAS:
        return MOST_REPLICAS
    return tamed(value)


def restore(case):
    """Other requests delete applications; most rules need one that is there."""
    config = {"import_path": "fixtures:echo", "route_prefix": "/a", "external_scaler_enabled": True}
    base = case.operation.schema.get_base_url().rstrip("/")
    headers = {"Authorization": f"Bearer {os.environ['FUZZ_TOKEN']}"}
    answer = requests.put(f"{base}/api/v1/applications/a", json=config, headers=headers, timeout=20)
    assert answer.status_code in (200, 400, 503), f"{answer.status_code} {answer.text}"


@schemathesis.hook
def before_call(context, case, kwargs):
    if isinstance(case.body, (dict, list)):
        case.body = tamed(case.body)
    if isinstance(case.body, dict) and dice.random() < 0.5 and isinstance(case.body.get("import_path"), str):
        case.body["import_path"] = "fixtures:echo"
        # In the body of a named application another name is refused before anything else.
        case.body.pop("name", None)
    if dice.random() < 0.1:
        restore(case)
    # Names are seldom guessed: every other request is about an application that is there.
    parameters = case.path_parameters or {}
    for name, there in (("application", "a"), ("deployment", "Echo")):
        if name in parameters and dice.random() < 0.5:
            parameters[name] = there
    # Such an answer goes on for ever.
    if isinstance(case.query, dict) and str(case.query.get("follow")).lower() not in ("false", "none"):
        case.query.pop("follow")


@schemathesis.check
def no_stack_trace(context, response, case):
    """No body shows where in our code something went wrong."""
    trace = re.search(r"^\s*at .*:\d+:\d+\)?$|\bnode:internal\b|Traceback \(most recent", response.text, re.MULTILINE)
    assert trace is None, f"a stack trace: {trace.group(0)}"


@schemathesis.check
def problems_are_lines(context, response, case):
    """A refusal says something, in lines of text or in one of JSON's."""
    if response.status_code < 400 or case.method.upper() == "HEAD":
        return
    assert response.text.strip() != "", "a failure without a word"
