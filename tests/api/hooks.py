"""What Schemathesis cannot make up: people with accounts, ids of videos that are there, a file that is a video.

FUZZ_API_WORLD names the file that world.py wrote. FUZZ_API_SIGNED_IN=yes lets every call that wants a token have one.
"""

import itertools
import json
import os
import random

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode
from schemathesis.transport.serialization import Binary

import world

with open(os.environ["FUZZ_API_WORLD"]) as there:
    WORLD = json.load(there)
with open(WORLD["clip"], "rb") as there:
    CLIP = there.read()
SIGNED_IN = os.environ.get("FUZZ_API_SIGNED_IN") == "yes"
DICE = random.Random(int(os.environ["FUZZ_API_SEED"]))
NUMBERS = itertools.count()

# Those after which an account is not what it was.
SPENDING = ["/api/auth/password", "/api/auth/delete"]


if SIGNED_IN:

    @schemathesis.auth(refresh_interval=600).skip_for(path=SPENDING)
    class Main:
        """The player whose videos there are."""

        def get(self, case, ctx):
            return world.sign_in(WORLD["base"], WORLD["email"])

        def set(self, case, data, ctx):
            case.headers["Authorization"] = f"Bearer {data}"

    @schemathesis.auth(refresh_interval=None).apply_to(path=SPENDING)
    class Another:
        """A new player each time."""

        def get(self, case, ctx):
            return world.sign_up(WORLD["base"], f"spent-{os.getpid()}-{next(NUMBERS)}@example.org")

        def set(self, case, data, ctx):
            case.headers["Authorization"] = f"Bearer {data}"


# The bytes of a resumable upload are sent as any others.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")


# What to send as Upload-Metadata: a title that is mostly taken, and no keys that do not matter. The document allows all of tus.
METADATA = "^title ([A-Za-z0-9+/]{4}){1,80}(,filetype dmlkZW8vbXA0)?$"


@schemathesis.hook
def before_load_schema(context, raw_schema):
    for parameter in raw_schema["paths"]["/api/uploads"]["post"]["parameters"]:
        if parameter["name"] == "Upload-Metadata":
            parameter["schema"]["pattern"] = METADATA


def fits(case, location):
    """Whether the part of the request is one that is to be right."""
    if case.meta is None:
        return True
    part = case.meta.components.get(location)
    if location == ParameterLocation.BODY and case.meta.generation.mode != GenerationMode.POSITIVE:
        return False
    return part is None or part.mode == GenerationMode.POSITIVE


@schemathesis.hook
def filter_query(context, query):
    """Drops what would be sent as name=, which the platform takes for the parameter left out, as forms send it."""
    return all(value not in ({}, [], "", None) for name, value in (query or {}).items() if name in ("page", "limit"))


@schemathesis.hook
def filter_case(context, case):
    """Drops passwords that the document calls too long in words only: it counts characters, the rule counts bytes."""
    body = case.body
    if not isinstance(body, dict):
        return True
    word = body.get("password1")
    return not isinstance(word, str) or len(word) > 72 or len(word.encode("utf-8", "replace")) <= 72


@schemathesis.hook
def before_call(context, case, kwargs):
    path, method = case.operation.path, case.operation.method.upper()
    if "{id}" in path and fits(case, ParameterLocation.PATH) and DICE.random() < 0.6:
        case.path_parameters["id"] = real_id(path, method)
    if SIGNED_IN and "{upload}" in path and fits(case, ParameterLocation.PATH) and DICE.random() < 0.5:
        case.path_parameters["upload"] = world.resumable(WORLD["base"], world.sign_in(WORLD["base"], WORLD["email"]))
        if DICE.random() < 0.5 and fits(case, ParameterLocation.HEADER):
            case.headers["Upload-Offset"] = "0"
    if not isinstance(case.body, dict) or not fits(case, ParameterLocation.BODY):
        return
    if path == "/api/videos/upload" and DICE.random() < 0.05:
        case.body["video_file"] = Binary(CLIP)
    elif path == "/api/auth/login" and DICE.random() < 0.3:
        case.body.update(email=WORLD["email"], password=world.PASSWORD)
    elif path == "/api/auth/signup" and DICE.random() < 0.7:
        case.body["password2"] = case.body["password1"]
        case.body["email"] = f"new-{os.getpid()}-{next(NUMBERS)}@example.org"
    elif path in SPENDING and DICE.random() < 0.7:
        case.body["password"] = world.PASSWORD
        if "password1" in case.body:
            case.body["password2"] = case.body["password1"]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drops what is said of a form that was valid before the clip was put into it: a clip is no text, as its schema has it."""
    clip = isinstance(case.body, dict) and case.body.get("video_file")
    return not (isinstance(failure, AcceptedNegativeData) and isinstance(clip, Binary) and clip.data == CLIP)


# Calls that change the state of a video, and the title and clip of one that is in the right state for them.
CHANGING = {
    ("DELETE", "/api/videos/{id}"): ("Para borrar", "clip", "processed"),
    ("POST", "/api/videos/{id}/publish"): ("Para publicar", "clip", "processed"),
    ("POST", "/api/videos/{id}/retry"): ("Para reintentar", "broken", "failed"),
}


def real_id(path, method):
    """An id of a video: mostly one that is there. Calls that change a video often have one of their own, in the right state."""
    if SIGNED_IN and (method, path) in CHANGING:
        title, file, state = CHANGING[method, path]
        if DICE.random() < 0.2:
            token = world.sign_in(WORLD["base"], WORLD["email"])
            video = world.upload(WORLD["base"], token, WORLD[file], title)
            if world.settled(WORLD["base"], token, video) != state:
                raise RuntimeError(f"video {video} is not {state}")
            return video
        return DICE.choice(WORLD["lasting"])
    return DICE.choice(WORLD["ids"])
