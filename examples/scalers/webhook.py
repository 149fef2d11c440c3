"""One call of Windlass's scale webhook with the standard library: timeouts, retries, and when to give up."""

import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

# Far more than any answer of the webhook.
MAX_ANSWER_BYTES = 1 << 20
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0


class Refused(Exception):
    """The answer is final: sending the same call again changes nothing."""


class Held(Exception):
    """Another owner holds the lease; it may end."""


class Unreachable(Exception):
    """No answer, or only server errors, in every attempt."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token elsewhere, and turn the POST into a GET."""

    def redirect_request(self, *args, **kwargs):
        return None


OPENER = urllib.request.build_opener(NoRedirect)


def scale(application, deployment, replicas, *, timeout_s=10.0, attempts=4, **more):
    """Asks for a number of replicas, and returns the answer as a dict once it is accepted, which is any 2xx.

    `more` are further keys of the body: reason, owner, ttl_s, fence, lease_fallback, dry_run, manual, force.
    Raises Refused, Held or Unreachable, each with one line that says why.
    """
    body = {key: value for key, value in more.items() if value is not None}
    # One id for all attempts: an attempt whose answer was lost is not counted twice.
    body |= {"target_num_replicas": replicas, "request_id": str(uuid.uuid4())}
    for attempt in range(attempts):
        if attempt > 0:
            time.sleep(random.uniform(0.5, 1) * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempt - 1)))
        try:
            return post(scale_url(application, deployment), body, timeout_s)
        except urllib.error.HTTPError as error:
            answer = read_json(error)
            why = f"{error.code}: {one_line(answer.get('error') or error.reason)}"
            if error.code < 500 and error.code not in (408, 429):
                raise final(error.code, why, answer, body, application) from None
        except (ValueError, http.client.InvalidURL) as error:
            raise Refused(f"cannot call {address()}: {error}; check WINDLASS_ADDRESS and WINDLASS_TOKEN") from None
        except (OSError, http.client.HTTPException) as error:
            why = f"no answer from {address()}: {one_line(getattr(error, 'reason', error)) or type(error).__name__}"
    raise Unreachable(f"not scaled after {attempts} attempts; {why}")


def address():
    given = os.environ.get("WINDLASS_ADDRESS", "").rstrip("/") or "http://127.0.0.1:8265"
    if not given.startswith(("http://", "https://")):
        raise Refused(f"WINDLASS_ADDRESS {given!r} is not an address; give one like http://127.0.0.1:8265")
    return given


def scale_url(application, deployment):
    names = [urllib.parse.quote(name, safe="") for name in (application, deployment)]
    return f"{address()}/api/v1/applications/{names[0]}/deployments/{names[1]}/scale"


def post(url, body, timeout_s):
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    token = os.environ.get("WINDLASS_TOKEN", "").strip()
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
    # Raises HTTPError for everything but 2xx.
    with OPENER.open(request, timeout=timeout_s) as response:
        return read_json(response)


def read_json(response):
    """The object in an answer; empty where there is none."""
    try:
        answer = json.loads(response.read(MAX_ANSWER_BYTES))
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def final(code, why, answer, body, application):
    if code == 401:
        return Refused(f"{why}; set WINDLASS_TOKEN to what `windlass token {application}` prints")
    if code != 409:
        return Refused(why)
    # A higher fence than ours: somebody took over for good.
    stale = body.get("fence") is not None and (answer.get("fence") or 0) > body["fence"]
    return Refused(why) if stale else Held(why)


def one_line(text):
    return " ".join(str(text).split())[:500]


def say(line):
    print(line, file=sys.stderr, flush=True)


def run(main):
    """Runs a program to its exit code: what stops it is one line, never a stack trace."""
    try:
        sys.exit(main())
    except (Refused, Held, Unreachable) as error:
        say(f"{os.path.basename(sys.argv[0])}: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
