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

// Forms are checked by the rules of the server, in its words, before they are sent: what was typed stays, passwords too.
// Without this script the browser checks what it can in its own words.
document.querySelectorAll("form[data-check]").forEach((form) => {
  form.noValidate = true;
  const inputs = [...form.querySelectorAll("[data-rules]")];
  form.addEventListener("submit", (event) => {
    const bad = inputs.filter((input) => showFault(input, brokenRule(input)));
    if (!bad.length) return;
    event.preventDefault();
    bad[0].focus();
  });
  inputs.forEach((input) => input.addEventListener("input", () => showFault(input, "")));
});

// brokenRule is what to say of the first rule that a field breaks, "" of none.
function brokenRule(input) {
  const { value } = input, typed = value.trim();
  const breaks = {
    missing: () => !value,
    blank: () => !typed,
    short: (limit) => [...value].length < limit,
    long: (limit) => [...typed].length > limit,
    bytes: (limit) => new TextEncoder().encode(value).length > limit,
    email: () => !/^.+@[^@\s.]+(\.[^@\s.]+)+$/.test(typed),
    differs: () => value !== input.form.elements.password1.value,
  };
  return JSON.parse(input.dataset.rules)?.find(({ kind, limit }) => breaks[kind](limit))?.text ?? "";
}

// showFault shows what is wrong with a field below it, or nothing.
function showFault(input, text) {
  const id = input.id + "-fault", hint = document.getElementById(input.id + "-hint");
  let place = document.getElementById(id);
  if (!place && text) {
    place = document.createElement("p");
    place.className = "field-fault";
    place.id = id;
    input.after(place);
  }
  if (place) {
    place.hidden = !text;
    place.textContent = text;
  }
  input.closest(".field").classList.toggle("field-bad", Boolean(text));
  if (text) {
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", id);
  } else {
    input.removeAttribute("aria-invalid");
    if (hint) input.setAttribute("aria-describedby", hint.id);
    else input.removeAttribute("aria-describedby");
  }
  return text;
}

// Pieces of pages come and go; where the reader stood must not be lost with them.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id === "ballot") document.getElementById("vote")?.focus();
  if (event.detail.target?.id === "my-list") document.querySelector(".mine-item")?.scrollIntoView({ block: "nearest" });
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

  const showFile = () => {
    const chosen = file.files[0];
    file.parentElement.classList.toggle("picker-chosen", Boolean(chosen));
    document.getElementById("file-name").textContent = chosen ? `${chosen.name} · ${bytes(chosen.size)}` : say.none;
  };
  file.addEventListener("change", () => { fault(file, ""); showFile(); });
  title.addEventListener("input", () => fault(title, ""));

  // putBack gives a form that was refused back as it was, unless the next is being filled in already.
  const putBack = (name, chosen) => {
    if (title.value || file.files.length) return;
    title.value = name;
    const files = new DataTransfer();
    files.items.add(chosen);
    file.files = files.files;
    showFile();
  };

  const number = (n, digits) => n.toLocaleString(say.lang, { maximumFractionDigits: digits });
  const bytes = (n) => n < 1e6 ? number(n / 1e3, 0) + "\u00a0kB" : number(n / 1e6, 1) + "\u00a0MB";
  const time = (s) => s < 60 ? number(Math.ceil(s), 0) + "\u00a0s" : number(Math.ceil(s / 60), 0) + "\u00a0min";

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
    showFile();
    try {
      await begin(await tus(), name, chosen);
    } catch (error) {
      putBack(name, chosen);
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
      retryDelays: [0, 1000, 2000, 3000, 5000, 5000, 10000, 10000, 20000, 30000, ...Array(24 * 60).fill(60000)],
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
        if (again) item.text.textContent = !status ? say.waiting : status === 507 ? say.full : say.busy;
        return again;
      },
      onError(error) {
        done();
        let text = say.failed, place = file;
        try {
          const problem = JSON.parse(error.originalResponse.getBody());
          text = problem.errors ? problem.errors.map((e) => e.message).join(" ") : problem.detail;
          if (problem.errors?.[0].location === "body.title") place = title;
        } catch {
          // no answer, or none of ours
        }
        if (!upload.url) { // refused before anything was sent
          item.element.remove();
          putBack(name, chosen);
          fault(place, text);
          return;
        }
        item.bar.hidden = true;
        item.cancel.hidden = true;
        item.text.textContent = text;
        item.element.classList.add("uploads-failed");
        item.text.setAttribute("role", "alert");
        if (error.originalResponse) forget(upload);
      },
      onSuccess() {
        done();
        item.element.remove();
        document.body.dispatchEvent(new Event("uploaded"));
      },
    });
    // Who has waited for the network need not wait for the next attempt as well.
    const back = () => upload.abort().then(() => upload.start());
    const done = () => removeEventListener("online", back);
    addEventListener("online", back);
    item.cancel.addEventListener("click", async () => {
      done();
      item.element.remove();
      forget(upload);
      await upload.abort(true).catch(() => {}); // what the server keeps expires
      document.body.dispatchEvent(new Event("uploaded")); // it may have been whole already
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
