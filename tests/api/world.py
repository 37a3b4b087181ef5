"""Makes what a fuzzer needs to find: two players, their videos, public, not public and failed, a vote.

    world.py BASE_URL CLIP FILE    writes what it made to FILE, as JSON
"""

import json
import sys
import time

import requests

PASSWORD = "salto-y-canasta"
PATIENCE = 180  # seconds for what must happen, on a busy machine too


def call(method, url, token=None, **how):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.request(method, url, headers=headers, timeout=PATIENCE, **how)
    answer.raise_for_status()
    return answer.json()


def sign_in(base, email):
    return call("POST", f"{base}/api/auth/login", json={"email": email, "password": PASSWORD})["access_token"]


def sign_up(base, email):
    form = {"first_name": "Valentina", "last_name": "Ríos", "email": email, "city": "Bogotá"}
    call("POST", f"{base}/api/auth/signup", json=form | {"password1": PASSWORD, "password2": PASSWORD})
    return sign_in(base, email)


def upload(base, token, clip, title):
    with open(clip, "rb") as file:
        form = {"video_file": ("clip.mp4", file, "video/mp4")}
        return call("POST", f"{base}/api/videos/upload", token, files=form, data={"title": title})["video_id"]


def resumable(base, token, size=1000):
    """Begins a resumable upload and returns its id, or one that is not there where the player has too many."""
    headers = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0", "Upload-Length": str(size), "Upload-Metadata": "title VHJpcGxl"}
    answer = requests.post(f"{base}/api/uploads", headers=headers, timeout=PATIENCE)
    if answer.status_code == 429:
        return "0" * 32
    answer.raise_for_status()
    return answer.headers["Location"].rsplit("/", 1)[1]


def settled(base, token, video):
    """Waits until a video is processed or has failed, for as long as its processing gets further."""
    seen, since = None, time.monotonic()
    while time.monotonic() - since < PATIENCE:
        answer = call("GET", f"{base}/api/videos/{video}", token)
        if answer["status"] in ("processed", "failed"):
            return answer["status"]
        now = (answer["status"], answer["progress"])
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.1)
    sys.exit(f"video {video} has stayed {seen} for {PATIENCE} s")


def broken(clip, file):
    """Writes a clip that is taken for a video by its index and first picture, and of which most cannot be decoded."""
    with open(clip, "rb") as source:
        content = bytearray(source.read())
    begin = content.index(b"mdat") + 4
    size = int.from_bytes(content[begin - 8 : begin - 4], "big") - 8
    good = size // 10
    content[begin + good : begin + size] = b"\xa5" * (size - good)
    with open(file, "wb") as out:
        out.write(content)
    return file


def main(base, clip, file):
    email = "valentina@example.org"
    mine, other = sign_up(base, email), sign_up(base, "camila@example.org")
    processed, public = upload(base, mine, clip, "Bandeja"), upload(base, mine, clip, "Triple")
    theirs, hidden = upload(base, other, clip, "Clavada"), upload(base, other, clip, "Pase")
    for token, video in ((mine, processed), (mine, public), (other, theirs), (other, hidden)):
        if settled(base, token, video) != "processed":
            sys.exit(f"video {video} has failed")
    spoilt = broken(clip, f"{file}.broken.mp4")
    failed = upload(base, mine, spoilt, "Rebote")
    if settled(base, mine, failed) != "failed":
        sys.exit(f"video {failed} has not failed")
    call("POST", f"{base}/api/videos/{public}/publish", mine)
    call("POST", f"{base}/api/videos/{theirs}/publish", other)
    call("POST", f"{base}/api/public/videos/{public}/vote", other)
    ids = [processed, public, theirs, hidden, failed]
    lasting = [public, theirs, hidden]  # nobody signed in as the first player can change them
    with open(file, "w") as out:
        json.dump({"base": base, "email": email, "clip": clip, "broken": spoilt, "ids": ids, "lasting": lasting}, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
