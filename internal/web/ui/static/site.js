// What pages do beyond links and forms: sharing, and uploads that go on from where they were cut.
"use strict";

document.querySelectorAll("[data-share]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const url = button.dataset.share;
    if (navigator.share) {
      try {
        await navigator.share({ title: document.title, url });
      } catch {
        // the reader thought better of it
      }
      return;
    }
    await navigator.clipboard.writeText(url);
    document.querySelector("[data-shared]").textContent = button.dataset.copied;
  });
});

// Pieces of pages come and go; where the reader stood must not be lost with them.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id === "ballot") document.getElementById("vote")?.focus();
});

if ("serviceWorker" in navigator && window.isSecureContext) navigator.serviceWorker.register("/sw.js");

const script = document.querySelector("script[data-tus]");
const form = document.getElementById("upload");
if (form) uploads(form);

function uploads(form) {
  const say = form.dataset;
  const list = document.getElementById("uploads");
  const title = form.elements.title;
  const file = form.elements.file;

  let library;
  const tus = () => (library ??= new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = script.dataset.tus;
    element.onload = () => resolve(window.tus);
    element.onerror = () => { library = undefined; reject(new Error(say.failed)); };
    document.head.append(element);
  }));

  const fault = (input, text) => {
    const place = document.getElementById(input.id + "-fault");
    place.hidden = !text;
    place.textContent = text;
    if (text) {
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", place.id);
    } else {
      input.removeAttribute("aria-invalid");
    }
    return text;
  };

  const number = (n, digits) => n.toLocaleString(say.lang, { maximumFractionDigits: digits });
  const bytes = (n) => n < 1e6 ? number(n / 1e3, 0) + " kB" : number(n / 1e6, 1) + " MB";
  const time = (s) => s < 60 ? number(Math.ceil(s), 0) + " s" : number(Math.ceil(s / 60), 0) + " min";

  // Unfinished uploads of an earlier visit: the browser does not keep the files, so the reader is asked for them.
  const unfinished = Object.keys(localStorage).filter((key) => key.startsWith("tus::")).map((key) => {
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null;
    }
  }).filter((u) => u && Date.now() - Date.parse(u.creationTime) < 24 * 3600e3);
  unfinished.forEach((u) => {
    const item = document.createElement("li");
    item.className = "uploads-item uploads-unfinished";
    item.dataset.title = u.metadata.title;
    item.textContent = `${u.metadata.title}: ${say.unfinished}`;
    list.append(item);
  });
  if (unfinished.length && !title.value) title.value = unfinished[0].metadata.title;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = title.value.trim();
    const chosen = file.files[0];
    const bad = [
      fault(title, !name ? say.noTitle : [...name].length > 255 ? say.longTitle : ""),
      fault(file, !chosen ? say.noFile : chosen.size > Number(say.max) ? say.tooLarge : ""),
    ];
    if (bad[0]) return title.focus();
    if (bad[1]) return file.focus();
    form.reset();
    try {
      await begin(await tus(), name, chosen);
    } catch (error) {
      fault(file, error.message);
    }
  });

  async function begin(tus, name, chosen) {
    list.querySelectorAll(".uploads-unfinished").forEach((item) => { if (item.dataset.title === name) item.remove(); });
    const item = row(name);
    let sent = 0, at = performance.now(), speed = 0;
    const upload = new tus.Upload(chosen, {
      endpoint: "/api/uploads/",
      metadata: { title: name, filename: chosen.name, filetype: chosen.type },
      headers: { "Accept-Language": say.lang },
      retryDelays: [0, 1000, 2000, 3000, 5000, 5000, 10000, 10000, 20000, 30000, 30000, 60000, 60000, 60000],
      removeFingerprintOnSuccess: true,
      // The same file under another title is another upload.
      fingerprint: async (f) => ["tus-risingstars", f.name, f.type, f.size, f.lastModified, name].join("-"),
      onProgress(done, total) {
        const now = performance.now();
        if (done < sent) sent = done;
        if (now - at > 500) {
          const latest = (done - sent) / (now - at) * 1000;
          speed = speed ? speed * 0.7 + latest * 0.3 : latest;
          sent = done;
          at = now;
        }
        item.bar.max = total;
        item.bar.value = done;
        item.text.textContent = done === total ? say.checking : say.sending
          .replace("{sent}", bytes(done)).replace("{total}", bytes(total)).replace("{speed}", bytes(speed))
          .replace("{left}", speed ? time((total - done) / speed) : "…");
      },
      onShouldRetry(error, attempt, options) {
        const status = error.originalResponse ? error.originalResponse.getStatus() : 0;
        const again = !status || status >= 500 || status === 409 || status === 423 || status === 429;
        if (again) item.text.textContent = say.waiting;
        return again;
      },
      onError(error) {
        let text = say.failed;
        try {
          const problem = JSON.parse(error.originalResponse.getBody());
          text = problem.errors ? problem.errors.map((e) => e.message).join(" ") : problem.detail;
        } catch {
          // no answer, or none of ours
        }
        item.bar.hidden = true;
        item.cancel.hidden = true;
        item.text.textContent = text;
        item.element.classList.add("uploads-failed");
        item.text.setAttribute("role", "alert");
        if (error.originalResponse) forget(upload);
      },
      onSuccess() {
        item.element.remove();
        document.body.dispatchEvent(new Event("uploaded"));
      },
    });
    item.cancel.addEventListener("click", () => {
      upload.abort(true).catch(() => {}); // what the server keeps expires
      forget(upload);
      item.element.remove();
    });
    const earlier = await upload.findPreviousUploads();
    if (earlier.length) upload.resumeFromPreviousUpload(earlier[0]);
    upload.start();
  }

  function forget(upload) {
    upload.findPreviousUploads().then((all) => all.forEach((u) => localStorage.removeItem(u.urlStorageKey)));
  }

  function row(name) {
    const element = document.createElement("li");
    element.className = "uploads-item";
    const head = document.createElement("p");
    head.className = "uploads-name";
    head.textContent = name;
    const bar = document.createElement("progress");
    bar.className = "bar";
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", `${say.progress}: ${name}`);
    const text = document.createElement("p");
    text.className = "uploads-text";
    const cancel = document.createElement("button");
    cancel.type = "button";
    cancel.className = "button button-small button-plain";
    cancel.textContent = say.cancel;
    element.append(head, bar, text, cancel);
    list.append(element);
    return { element, bar, text, cancel };
  }
}
