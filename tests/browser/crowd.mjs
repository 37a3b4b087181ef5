// People who take part by the API: what a page shows needs players, videos and votes.
import fs from "node:fs";
import path from "node:path";
import { patience, pause } from "./world.mjs";

const password = "salto-y-canasta";
const addresses = new Set();

function addressOf(first, last) {
  const plain = `${first}.${last}`.toLowerCase().normalize("NFD").replace(/[^a-z0-9.]/g, "");
  let address = `${plain}@example.com`;
  for (let n = 2; addresses.has(address); n++) address = `${plain}${n}@example.com`;
  addresses.add(address);
  return address;
}

export class Person {
  // join signs somebody up and in.
  static async join(url, first, last, city = "") {
    const person = new Person();
    Object.assign(person, { url, name: `${first} ${last}`, email: addressOf(first, last), password });
    await person.#send("/api/auth/signup", {
      first_name: first, last_name: last, email: person.email, city, password1: password, password2: password,
    });
    person.token = (await person.#send("/api/auth/login", { email: person.email, password })).access_token;
    return person;
  }

  // upload returns the video's id once it is in the contest, not yet processed.
  async upload(title, file) {
    const form = new FormData();
    form.set("title", title);
    form.set("video_file", new Blob([fs.readFileSync(file)], { type: "video/mp4" }), path.basename(file));
    return (await this.#send("/api/videos/upload", form)).video_id;
  }

  // processed waits until a video is. It waits for as long as the processing gets further.
  async processed(id) {
    let seen, since = Date.now();
    for (;;) {
      const { status, progress } = await this.#send(`/api/videos/${id}`);
      if (status === "processed") return;
      const now = `${status}, ${progress} %`;
      if (now !== seen) [seen, since] = [now, Date.now()];
      if (status === "failed" || Date.now() - since > patience) throw new Error(`video ${id} is ${now}`);
      await pause(100);
    }
  }

  publish(id) { return this.#send(`/api/videos/${id}/publish`, null, "POST"); }

  vote(id) { return this.#send(`/api/public/videos/${id}/vote`, null, "POST"); }

  async #send(where, body, method = body ? "POST" : "GET") {
    const headers = this.token ? { Authorization: `Bearer ${this.token}` } : {};
    if (body && !(body instanceof FormData)) {
      headers["Content-Type"] = "application/json";
      body = JSON.stringify(body);
    }
    const answer = await fetch(this.url + where, { method, headers, body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${where}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }
}
