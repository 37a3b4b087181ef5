"""Players who upload, list their videos and read the ranking: 3 uploads to 1 list to 1 ranking, 1 to 3 s apart.

It sends what existing clients of the API send, so it also proves that they keep working. The command loadtest runs it and
sets in the environment:

    CAPACITY_PEOPLE     file with one email in a line; each simulated user signs in as the next
    CAPACITY_PASSWORD   their password
    CAPACITY_CLIPS      folder of clips to upload; the last MARK bytes of each are replaced
    CAPACITY_JOURNAL    file that gets a line of JSON for each request (package journal)
    CAPACITY_ADDRESSES  from how many loopback addresses the users connect
    CAPACITY_PROCESSES  how many processes of Locust share the users
    CAPACITY_SECONDS    how long the run lasts
    CAPACITY_STOP       file whose existence ends the run earlier

An answer that is not as the API promises is written to the journal as a fault. Nothing is retried.
"""

import itertools
import json
import os
import pathlib
import time
import uuid

import gevent
import requests
from locust import HttpUser, between, events, task
from locust.runners import WorkerRunner

MARK = 32  # bytes at the end of each upload that no other upload has
TITLE = "Triple desde la esquina"

# What a player does again and again; each begins at another place.
CIRCLE = ("upload", "own_videos", "upload", "ranking", "upload")

clips = sorted(pathlib.Path(os.environ["CAPACITY_CLIPS"]).glob("*.mp4"))
contents = [memoryview(c.read_bytes()) for c in clips]
numbers = itertools.count()
emails = pathlib.Path(os.environ["CAPACITY_PEOPLE"]).read_text().split()
addresses = int(os.environ["CAPACITY_ADDRESSES"])
processes = int(os.environ["CAPACITY_PROCESSES"])
stop_file = pathlib.Path(os.environ["CAPACITY_STOP"])
journal = open(os.environ["CAPACITY_JOURNAL"], "a", buffering=1)


class Form:
    """The form of an upload. The clip is not copied; only its last bytes differ, and the title."""

    def __init__(self, clip):
        self.mark = uuid.uuid4().hex
        self.boundary = uuid.uuid4().hex
        self.title = f"{TITLE} {self.mark}"
        field = f'--{self.boundary}\r\nContent-Disposition: form-data; name="title"\r\n\r\n{self.title}\r\n'
        file = (
            f'--{self.boundary}\r\nContent-Disposition: form-data; name="video_file"; filename="clip.mp4"\r\n'
            "Content-Type: video/mp4\r\n\r\n"
        )
        self.size = len(clip)
        self.pieces = [
            (field + file).encode(),
            clip[:-MARK],
            self.mark.encode(),
            f"\r\n--{self.boundary}--\r\n".encode(),
        ]

    def __len__(self):
        return sum(len(p) for p in self.pieces)

    def __iter__(self):
        return iter(self.pieces)


class FromAddress(requests.adapters.HTTPAdapter):
    """Connects from an address of its own, because nginx limits what one address may ask."""

    def __init__(self, address):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, source_address=(self.address, 0), **kwargs)


class Wrong(Exception):
    """An answer that is not as the API promises."""


def expect(true, what):
    if not true:
        raise Wrong("body: " + what)


class Player(HttpUser):
    wait_time = between(1, 3)

    def on_start(self):
        # Each process numbers its users in steps, so no two users are the same player.
        n = next(numbers) * processes + max(0, getattr(self.environment.runner, "worker_index", 0))
        self.email = emails[n % len(emails)]
        self.turn = n
        self.clip = n
        self.uploaded = []
        address = f"127.{10 + n % addresses // 200}.1.{1 + n % addresses % 200}"
        for scheme in ("http://", "https://"):
            self.client.mount(scheme, FromAddress(address))
        self.client.verify = os.environ.get("REQUESTS_CA_BUNDLE", True)
        self.token = None
        body = {"email": self.email, "password": os.environ["CAPACITY_PASSWORD"]}
        self.ask("sign-in", 200, self.signed_in, "POST", "/api/auth/login", json=body)

    def signed_in(self, answer, entry):
        expect(answer.get("token_type") == "bearer" and answer.get("access_token"), "no token")
        self.token = answer["access_token"]

    def ask(self, call, status, check, method, path, **more):
        """Sends a request once and writes it to the journal."""
        headers = more.pop("headers", {})
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        entry = {"call": call, "account": self.email, **more.pop("entry", {})}
        began, clock = time.time(), time.perf_counter()
        with self.client.request(
            method, path, name=call, headers=headers, timeout=120, catch_response=True, allow_redirects=False, **more
        ) as answer:
            entry |= {"at": round(began, 3), "ms": round((time.perf_counter() - clock) * 1000, 2)}
            entry |= {"status": answer.status_code or 0, "users": self.environment.runner.user_count * processes}
            try:
                if error := getattr(answer, "error", None):
                    raise Wrong("connection: " + type(error).__name__)
                if answer.status_code != status:
                    raise Wrong(f"status {answer.status_code}")
                check(answer.json(), entry)
                answer.success()
            except Wrong as e:
                entry["fault"] = str(e)
                answer.failure(str(e))
            except Exception as e:  # a body of another form than promised
                entry["fault"] = "body: " + type(e).__name__
                answer.failure(entry["fault"])
        journal.write(json.dumps(entry) + "\n")

    @task
    def go_on(self):
        if self.token:  # a failed sign-in is in the journal
            getattr(self, CIRCLE[self.turn % len(CIRCLE)])()
            self.turn += 1

    def upload(self):
        self.clip += 1
        form = Form(contents[self.clip % len(contents)])
        headers = {"Content-Type": "multipart/form-data; boundary=" + form.boundary}
        entry = {"mark": form.mark, "size": form.size, "title": form.title}
        self.ask("upload", 201, self.accepted, "POST", "/api/videos/upload", data=form, headers=headers, entry=entry)

    def accepted(self, answer, entry):
        entry["video_id"] = answer["video_id"]
        self.uploaded.append(answer["video_id"])
        expect(answer["message"].startswith("Video subido exitosamente."), "another message")
        expect(isinstance(answer["task_id"], str), "no task_id")

    def own_videos(self):
        known = list(self.uploaded)

        def check(answer, entry):
            ids = [v["video_id"] for v in answer]
            expect(ids == sorted(ids, reverse=True), "own videos not newest first")
            expect(set(known) <= set(ids), "an accepted upload is not in its player's list")
            expect(all(v["status"] != "failed" for v in answer), "a video has failed")

        self.ask("list", 200, check, "GET", "/api/videos")

    def ranking(self):
        def check(answer, entry):
            expect(len(answer) > 0, "the ranking is empty")
            expect([r["position"] for r in answer] == list(range(1, len(answer) + 1)), "positions are not 1, 2, 3 …")
            votes = [r["votes"] for r in answer]
            expect(votes == sorted(votes, reverse=True), "the ranking is not by votes")

        self.ask("ranking", 200, check, "GET", "/api/public/rankings")


@events.test_start.add_listener
def end_gently(environment, **_):
    """Ends the run when its time is over or CAPACITY_STOP exists.

    The users first finish their requests, also those of other processes: an upload that is cut would be stored and not
    be in the journal. Locust's own --run-time ends other processes after 3 s.
    """

    def wait_and_stop():
        deadline = time.monotonic() + float(os.environ["CAPACITY_SECONDS"])
        while time.monotonic() < deadline and not stop_file.exists():
            gevent.sleep(0.1)
        environment.runner.stop()
        environment.runner.quit()

    if not isinstance(environment.runner, WorkerRunner):
        gevent.spawn(wait_and_stop)


@events.quitting.add_listener
def succeed(environment, **_):
    environment.process_exit_code = 0  # failed requests are in the journal, which the command judges
