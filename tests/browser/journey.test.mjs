// The site in a browser: scripts/browser runs it. With the argument "short" it is the whole journey on a phone alone.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { Person } from "./crowd.mjs";
import { Failures } from "./failures.mjs";
import { clip, faultsOf, patience, pause, rulesOnColours, sizes, startBrowser, startProgram, startProxy, swell } from "./world.mjs";

const journeyAlone = process.argv.includes("short");
const failures = new Failures();

let program, browser, dir, small, short;

before(async () => {
  program = await startProgram();
  browser = await startBrowser();
  dir = fs.mkdtempSync(path.join(program.data, "clips-"));
  small = clip(dir, "jugada.mp4", "gradients=s=1280x720:r=30:c0=0x0b1730:c1=0xf26a1b:c2=0xffb93b:nb_colors=3:speed=0.03");
  short = clip(dir, "corta.mp4", "testsrc2=s=320x180:r=30", 1);
});

after(async () => {
  await browser?.close();
  if (program) failures.keepLog(program.log());
  await program?.stop();
});

// person returns a page in a browser context of its own. A script's error and a breach of the Content-Security-Policy fail the test.
async function person(t, size, { url = program.url, locale = "es-CO", ...rest } = {}) {
  const context = await browser.newContext({ viewport: size, baseURL: url, locale, ...rest });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  const said = [];
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("console", (message) => { if (/Content Security Policy/.test(message.text())) said.push(message.text()); });
  const recording = await failures.record(t, page);
  t.after(async () => {
    await recording.end();
    await context.close();
    assert.deepEqual(said, []);
  });
  return page;
}

let people = 0;

async function signUp(page, first, last, city) {
  await page.goto("/cuenta/registro");
  const email = `persona${++people}@example.com`;
  await page.fill("[name=first_name]", first);
  await page.fill("[name=last_name]", last);
  await page.fill("[name=email]", email);
  await page.fill("[name=password1]", "salto-y-canasta");
  await page.fill("[name=password2]", "salto-y-canasta");
  await page.fill("[name=city]", city);
  await page.click("main button[type=submit]");
  await page.waitForURL("**/mis-videos");
  return email;
}

async function upload(page, title, file) {
  await page.fill("#title", title);
  await page.setInputFiles("#file", file);
  await page.click("#upload button[type=submit]");
}

const item = (page, title) => page.locator(".mine-item", { hasText: title });

// watch notes every text that the list of one's own videos shows from now on, and returns a function that lists them. A busy browser may
// show a text for a shorter time than passes between two looks from outside.
async function watch(page) {
  await page.evaluate(() => {
    window.shown = [];
    const list = document.querySelector("#my-list");
    new MutationObserver(() => window.shown.push(list.innerText)).observe(list, { childList: true, characterData: true, subtree: true });
  });
  return () => page.evaluate(() => window.shown);
}

// becomes waits until an element says a text. It waits for as long as the element changes: a busy machine takes minutes for a clip.
async function becomes(element, text) {
  let seen, since = Date.now();
  for (;;) {
    const now = await element.innerText();
    if (now.includes(text)) return;
    if (now !== seen) [seen, since] = [now, Date.now()];
    assert.ok(Date.now() - since < patience, `not within ${patience} ms: "${text}" in "${now}"`);
    await pause(100);
  }
}

// look judges a page as it is, and its colours by night.
async function look(page, name, size) {
  assert.deepEqual(await faultsOf(page), [], `axe-core on ${name}`);
  await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" }); // without transitions from one to the other
  assert.deepEqual(await faultsOf(page, rulesOnColours), [], `axe-core on ${name} by night`);
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${name} is ${wide} px wider than the window`);
}

for (const [name, size] of Object.entries(journeyAlone ? { phone: sizes.phone } : sizes)) {
  test(`from the front page to a published video and a vote that moves the ranking, ${name}`, async (t) => {
    const title = `Triple de ${name}`;
    const author = await person(t, size);
    await author.goto("/");
    await look(author, "gallery-first", size);
    await author.click(".hero .button >> nth=0");
    await look(author, "signup", size);
    await signUp(author, "Valentina", "Ríos " + name, "Bogotá");
    await look(author, "myvideos-empty", size);
    const shown = await watch(author);
    await upload(author, title, small);
    const mine = item(author, title);
    await becomes(mine, "Listo para publicar");
    const texts = await shown(); // nothing if the page was loaded again
    assert.ok(texts.some((text) => text.includes("Procesando:")), `it showed ${JSON.stringify(texts)}`);
    await mine.locator("video").evaluate((v) => v.play());
    await author.waitForFunction(() => document.querySelector(".mine-item video").currentTime > 0);
    await look(author, "myvideos-ready", size);
    await mine.getByRole("link", { name: "Publicar" }).click();
    await author.getByText("No se puede deshacer").waitFor();
    await look(author, "publish", size);
    await author.getByRole("link", { name: "Todavía no" }).click();
    await mine.getByText("Listo para publicar").waitFor();
    await mine.getByRole("link", { name: "Publicar" }).click();
    await author.getByRole("button", { name: "Sí, publicarlo" }).click();
    await mine.getByText("Público").waitFor();
    await mine.getByRole("link", { name: "Ver página pública" }).click();
    const video = new URL(author.url()).pathname;
    await author.getByText("Es tu video").waitFor();

    const watcher = await person(t, size);
    await watcher.goto("/ranking");
    await watcher.getByText("Ríos " + name).waitFor();
    const votes = watcher.locator("tr", { hasText: "Ríos " + name }).locator("td >> nth=2");
    assert.equal(await votes.innerText(), "0");

    // From signed out, through sign-up, to a vote.
    const fan = await person(t, size);
    await fan.goto(video);
    await look(fan, "video", size);
    await fan.getByRole("link", { name: "Votar" }).click();
    await look(fan, "signin", size);
    await fan.getByRole("link", { name: "Crear una cuenta" }).click();
    await fan.fill("[name=first_name]", "Andrés");
    await fan.fill("[name=last_name]", "Peña " + name);
    await fan.fill("[name=email]", `fan-${name}@example.com`);
    await fan.fill("[name=password1]", "salto-y-canasta");
    await fan.click("main button[type=submit]");
    await fan.locator("[name=password2][aria-describedby=password2-fault]").waitFor(); // nothing is no repetition
    await fan.fill("[name=password1]", "salto-y-canasta");
    await fan.fill("[name=password2]", "otra cosa");
    await fan.click("main button[type=submit]");
    await fan.getByText("Las contraseñas no coinciden.").waitFor();
    assert.equal(await fan.inputValue("[name=first_name]"), "Andrés");
    assert.equal(await fan.inputValue("[name=password1]"), "salto-y-canasta", "the form was sent, and the password is lost");
    assert.equal(await fan.getAttribute("[name=password2]", "aria-describedby"), "password2-fault");
    await look(fan, "signup-fault", size);
    await fan.fill("[name=city]", "x".repeat(101));
    await fan.fill("[name=email]", "fan@example");
    await fan.fill("[name=password1]", "corta");
    await fan.click("main button[type=submit]");
    await fan.locator("#city-fault").getByText("Puede tener como máximo 100 caracteres.").waitFor();
    await fan.locator("#email-fault").getByText("Debe ser una dirección de correo válida.").waitFor();
    await fan.locator("#password1-fault").getByText("Debe tener al menos 8 caracteres.").waitFor();
    assert.equal(await fan.evaluate(() => document.activeElement.name), "email", "the first that is wrong");
    await fan.fill("[name=city]", "Cali");
    await fan.locator("#city-fault").waitFor({ state: "hidden" });
    await fan.fill("[name=email]", `fan-${name}@example.com`);
    await fan.fill("[name=password1]", "salto-y-canasta");
    await fan.fill("[name=password2]", "salto-y-canasta");
    await fan.click("main button[type=submit]");
    await fan.waitForURL("**" + video);
    await fan.getByText("Ya votaste por este video").waitFor();
    assert.equal(await fan.locator(".ballot-count").innerText(), "1 voto");
    await watcher.waitForFunction((who) => [...document.querySelectorAll(".ranking tbody tr")]
      .find((row) => row.textContent.includes(who))?.querySelectorAll("td")[2].textContent.trim() === "1", "Ríos " + name);
    await look(watcher, "ranking", size);

    // Back and forth without leaving the page.
    await fan.evaluate(() => { window.stayed = true; });
    await fan.getByRole("button", { name: "Quitar mi voto" }).click();
    await fan.getByRole("button", { name: "Votar" }).waitFor();
    await fan.getByRole("button", { name: "Votar" }).click();
    await fan.getByText("Ya votaste por este video").waitFor();
    assert.equal(await fan.evaluate(() => window.stayed), true);
    await look(fan, "video-voted", size);

    await author.goto("/ranking");
    await author.locator(".ranking-own").getByText("Tú").waitFor();
    await look(author, "ranking-own", size);
    await author.locator(".ranking-own a").click();
    await author.getByText(/en el país/).waitFor();
    await look(author, "player", size);
    assert.ok(!(await author.content()).includes("@example.com"));
    await author.goto("/cuenta");
    await look(author, "account", size);
    await author.goto("/");
    await look(author, "gallery", size);
    await author.goto("/v/999999");
    await look(author, "error", size);
    await author.getByText("Fuera de la cancha").waitFor();
    await author.getByRole("link", { name: "Mi cuenta" }).waitFor(); // it is a member who reads it
    await author.goto(video.replace("/v/", "/mis-videos/") + "/borrar");
    await author.getByText("no se puede eliminar").waitFor();
    await author.goto("/cuenta");
    await author.getByRole("button", { name: "Salir" }).click();
    await author.getByRole("link", { name: "Entrar" }).waitFor();

    await fan.goto("/cuenta/borrar");
    await fan.fill("[name=password]", "salto-y-canasta");
    await fan.getByRole("button", { name: "Eliminar mi cuenta" }).click();
    await fan.getByText("Tu cuenta y tus datos han sido eliminados.").waitFor();
    await look(fan, "gallery-left", size);
  });

  if (journeyAlone) continue;

  test(`wrong file, too large a file, too long a title, ${name}`, async (t) => {
    const page = await person(t, size);
    await signUp(page, "Sara", "Gil", "Cali");
    const text = path.join(dir, "nota.mp4");
    fs.writeFileSync(text, "esto no es un video");
    await upload(page, "Nota", text);
    await page.getByText("El archivo no es un video MP4 o MOV.").waitFor();
    assert.equal(await page.getByRole("button", { name: "Cancelar" }).count(), 0, "there is nothing left to cancel");
    await page.getByText("Aún no has subido videos").waitFor();
    const huge = path.join(dir, "enorme.mp4");
    fs.closeSync(fs.openSync(huge, "w"));
    fs.truncateSync(huge, (100 << 20) + 1);
    await upload(page, "Enorme", huge);
    await page.getByText("El archivo supera el tamaño máximo.").waitFor();
    await upload(page, "x".repeat(256), small);
    await page.getByText("El título puede tener como máximo 255 caracteres.").waitFor();
    await look(page, "myvideos-faults", size);
    assert.equal(await page.locator(".mine-item").count(), 0);
  });

  test(`an upload goes on after a cut and after a reload, byte for byte, ${name}`, async (t) => {
    const large = swell(small, "larga.mp4", 90 << 20);
    const proxy = await startProxy(program.url);
    t.after(() => proxy.stop());
    const page = await person(t, size, { url: proxy.url });
    await signUp(page, "Iván", "Mora", "Pasto");
    proxy.limit = proxy.sent + (25 << 20);
    const begun = proxy.sent;
    await upload(page, "Larga " + name, large);
    await page.waitForFunction(() => document.querySelector(".uploads-item progress")?.value > 0);
    await until(() => proxy.cuts === 1, "the connection was cut");
    proxy.hold = true;
    proxy.limit = begun + (60 << 20);
    await until(() => proxy.sent > proxy.limit, "the upload went on by itself");
    assert.ok(!await page.getByText("Aún no has subido videos").isVisible(), "it says that there is none");
    await look(page, "myvideos-uploading", size);
    await page.reload({ waitUntil: "commit" }).catch(() => {});
    proxy.cut();
    proxy.limit = Infinity;
    await page.goto("/mis-videos");
    await page.getByText("Subida sin terminar").waitFor();
    await upload(page, "Larga " + name, large);
    await item(page, "Larga " + name).waitFor();
    // How many bytes are sent twice depends on what the connections held when they were cut, and Chromium repeats a request whose
    // connection breaks, which the server then refuses. That the upload continued shows in where its last piece began.
    assert.ok(proxy.offsets.at(-1) > 0, `the pieces began at ${proxy.offsets}`);
    const found = originals(path.join(program.data, "media")).filter((file) => fs.statSync(file).size === 90 << 20);
    assert.ok(found.some((file) => hash(file) === hash(large)), "the original is not the file that was sent");
    assert.deepEqual(fs.readdirSync(path.join(program.data, "uploads")), []);
    await item(page, "Larga " + name).getByText(/Listo|Procesando|En cola/).waitFor();
    await becomes(item(page, "Larga " + name), "Listo para publicar");
    await item(page, "Larga " + name).getByRole("link", { name: "Eliminar" }).click();
    await look(page, "delete", size);
    await page.getByRole("button", { name: "Eliminar" }).click();
    await page.getByText("Aún no has subido videos").waitFor();
  });

  test(`what is refused before a byte is sent keeps the form, ${name}`, async (t) => {
    const page = await person(t, size);
    await signUp(page, "Tomás", "Vega", "Neiva");
    const pieces = [];
    page.on("request", (request) => { if (request.method() === "PATCH") pieces.push(request.url()); });
    await upload(page, "Foto del equipo", { name: "foto.png", mimeType: "image/png", buffer: Buffer.from("una foto") });
    await page.locator("#file-fault").getByText("un tipo que no es de video").waitFor();
    assert.equal(await page.inputValue("#title"), "Foto del equipo");
    assert.match(await page.innerText("#file-name"), /foto\.png/);
    assert.deepEqual([pieces, await page.locator(".uploads-item").count()], [[], 0]);
    await look(page, "myvideos-refused", size);
  });

  test(`several at once, and an answer that is lost, ${name}`, async (t) => {
    const proxy = await startProxy(program.url);
    t.after(() => proxy.stop());
    const page = await person(t, size, { url: proxy.url });
    await signUp(page, "Camila", "Duarte", "Tunja");
    const titles = ["Bandeja", "Gancho", "Tapón"];
    proxy.most = 2 << 20;
    for (const title of titles) await upload(page, title, swell(short, `${title}.mp4`, 30 << 20));
    await page.waitForFunction((n) => {
      const bars = [...document.querySelectorAll(".uploads-item progress")];
      return bars.length === n && bars.every((bar) => bar.value > 0 && bar.value < bar.max);
    }, titles.length);
    assert.deepEqual(await page.locator(".uploads-name").allInnerTexts(), titles);
    proxy.release();
    for (const title of titles) await item(page, title).waitFor();
    assert.equal(await page.locator(".uploads-item").count(), 0);

    proxy.lost = "Video-Id";
    await upload(page, "Asistencia", short);
    await item(page, "Asistencia").waitFor();
    assert.deepEqual([proxy.lost, proxy.cuts], [null, 1], "no answer was lost");
    await page.reload();
    assert.deepEqual((await page.locator(".mine-title").allInnerTexts()).sort(), ["Asistencia", ...titles]);
  });

  test(`sharing, and a page for when there is no network, ${name}`, async (t) => {
    const own = await startProgram();
    t.after(() => own.stop());
    const page = await person(t, size, { url: own.url, permissions: ["clipboard-read", "clipboard-write"] });
    const player = await Person.join(own.url, "Laura", "Ibarra", "Ibagué");
    const id = await player.upload("Robo y contraataque", short);
    await player.processed(id);
    await player.publish(id);
    await page.addInitScript(() => { delete Navigator.prototype.share; });
    await page.goto(`/v/${id}`);
    await page.getByRole("button", { name: "Compartir" }).click();
    await page.getByText("Enlace copiado").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${own.url}/v/${id}`);
    await page.evaluate(() => { navigator.share = (what) => { window.shared = what; return Promise.resolve(); }; });
    await page.getByRole("button", { name: "Compartir" }).click();
    assert.equal((await page.waitForFunction(() => window.shared)
      .then((what) => what.jsonValue())).url, `${own.url}/v/${id}`);

    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.reload(); // from here on the worker answers
    await page.waitForFunction(() => navigator.serviceWorker.controller);
    await own.stop();
    await page.goto("/ranking");
    await page.getByRole("heading", { name: "Sin conexión" }).waitFor();
    const colour = await page.evaluate(() => getComputedStyle(document.querySelector(".masthead")).backgroundColor);
    assert.equal(colour, "rgb(11, 23, 48)", "the page is not in the site's look");
    assert.ok(await page.evaluate(() => [...document.images].every((image) => image.naturalWidth > 0)));
    await look(page, "offline", size);
    assert.equal(new URL(await page.getByRole("link", { name: "Reintentar" }).evaluate((link) => link.href)).pathname, "/ranking");
  });

  test(`English, and reading without scripts, ${name}`, async (t) => {
    const english = await person(t, size, { locale: "en-GB" });
    await english.goto("/");
    await english.getByText("Your best play, before the whole country").waitFor();
    await english.getByRole("link", { name: "Español" }).click();
    await english.goto("/ranking");
    await english.getByText("Clasificación nacional").waitFor(); // the choice is kept

    const plain = await person(t, size, { javaScriptEnabled: false });
    await plain.goto("/?orden=votos");
    await plain.locator(".card a").first().click();
    await plain.locator("video").waitFor();
    await plain.goto("/ranking");
    await plain.locator(".ranking a").first().click();
    await plain.locator(".card").first().waitFor();
  });
}

const hash = (file) => createHash("sha256").update(fs.readFileSync(file)).digest("hex");
const originals = (folder) => fs.readdirSync(folder, { recursive: true }).map((name) => path.join(folder, name))
  .filter((file) => path.basename(file).startsWith("original."));

async function until(done, what) {
  const deadline = Date.now() + patience;
  while (!done()) {
    assert.ok(Date.now() < deadline, `not within ${patience} ms: ${what}`);
    await pause(20);
  }
}
