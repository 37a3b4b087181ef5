// Makes the pictures of the site in docs/screenshots: each page on a phone and on a desktop, gallery and video by night too.
// scripts/screenshots runs it.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Person } from "./crowd.mjs";
import { scene, sceneCount } from "./scenes.mjs";
import { sizes, startBrowser, startProgram, startProxy, swell } from "./world.mjs";

const out = path.resolve(process.argv[2] ?? "docs/screenshots");
const players = [
  ["Valentina", "Ríos", "Bogotá", "Triple desde la esquina", 11],
  ["Samuel", "Mosquera", "Quibdó", "Clavada en contraataque", 8],
  ["Isabella", "Cárdenas", "Medellín", "Bandeja con la izquierda", 9],
  ["Juan David", "Arrieta", "Barranquilla", "Triple al sonar la chicharra", 6],
  ["Mariana", "Quintero", "Cali", "Lanzamiento desde la línea", 5],
  ["Nicolás", "Buelvas", "Cartagena", "Volcada después del rebote", 3],
];
const late = 14; // votes that come for the second in the course of the day

async function fill(program, clips) {
  const list = [];
  for (const [number, [first, last, city, title, votes]] of players.entries()) {
    const person = await Person.join(program.url, first, last, city);
    list.push({ person, title, votes, id: await person.upload(title, clips[number]) });
  }
  for (const { person, id } of list) {
    await person.processed(id);
    await person.publish(id);
  }
  const fans = [];
  for (let i = 0; i < late; i++) fans.push(await Person.join(program.url, "Público", `Fila ${i + 1}`));
  for (const { id, votes } of list) for (const fan of fans.slice(0, votes)) await fan.vote(id);
  return { list, fans };
}

async function shoot(page, name, size) {
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.fonts.ready);
  await page.waitForLoadState("networkidle", { timeout: 1500 }).catch(() => {}); // a stream of events never is
  if (await page.locator(".watch-player").count()) await page.waitForFunction(() => document.querySelector("video").readyState > 1);
  if (await page.locator("video").count()) await page.waitForTimeout(1500); // the browser's own sign for loading goes
  const file = path.join(out, `${name}-${size.width}.png`);
  await page.screenshot({ path: file });
  const small = file + ".small.png"; // 256 colours do
  execFileSync("ffmpeg", ["-v", "error", "-y", "-i", file, "-vf",
    "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=dither=none", "-frames:v", "1", small]);
  fs.renameSync(small, file);
}

async function visit(browser, url, size, options = {}) {
  const context = await browser.newContext({ viewport: size, baseURL: url, locale: "es-CO", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  return page;
}

async function signIn(page, { email, password }) {
  await page.goto("/cuenta/entrar");
  await page.fill("[name=email]", email);
  await page.fill("[name=password]", password);
  await page.click("main button[type=submit]");
  await page.waitForURL("**/");
}

async function publicPages(browser, program, { list, fans }, size) {
  const fan = await visit(browser, program.url, size);
  await fan.goto("/");
  await shoot(fan, "gallery", size);
  await fan.goto("/cuenta/registro");
  await fan.fill("[name=first_name]", "Luisa");
  await fan.fill("[name=last_name]", "Paternina");
  await fan.fill("[name=email]", "luisa@example");
  await fan.fill("[name=password1]", "salto-y-canasta");
  await fan.fill("[name=password2]", "salto y canasta");
  await fan.click("main button[type=submit]");
  await shoot(fan, "signup-fault", size);
  await fan.goto(`/v/${list[0].id}`);
  await fan.getByRole("link", { name: "Votar" }).click();
  await shoot(fan, "signin", size);
  await fan.goto("/nada");
  await shoot(fan, "error", size);
  await fan.goto("/sin-conexion");
  await shoot(fan, "offline", size);
  await signIn(fan, fans[0]);
  await fan.goto("/?orden=votos");
  await shoot(fan, "gallery-voted", size);
  await fan.goto(`/v/${list[0].id}`);
  await shoot(fan, "video", size);
  await fan.goto(`/p/1`);
  await shoot(fan, "player", size);
  await fan.context().close();
  const night = await visit(browser, program.url, size, { colorScheme: "dark" });
  await night.goto("/#videos");
  await shoot(night, "gallery-dark", size);
  await night.goto(`/v/${list[1].id}`);
  await shoot(night, "video-dark", size);
  await night.context().close();
}

async function ownPages(browser, program, proxy, person, clips, large, size) {
  const page = await visit(browser, proxy.url, size);
  await signIn(page, person);
  await page.goto("/ranking");
  await shoot(page, "ranking-own", size);
  await page.goto("/cuenta");
  await shoot(page, "account", size);
  await page.goto("/mis-videos");
  proxy.limit = proxy.sent + (40 << 20);
  proxy.hold = true;
  await page.fill("#title", "Tapón y salida rápida");
  await page.setInputFiles("#file", large);
  await page.click("#upload button[type=submit]");
  await page.waitForFunction(() => document.querySelector(".uploads-item progress")?.value > 36e6);
  await page.waitForTimeout(700); // the speed is reckoned over half seconds
  await shoot(page, "myvideos-uploading", size);
  await page.getByRole("button", { name: "Cancelar" }).click().catch(() => {});
  proxy.limit = Infinity;
  proxy.cut();
  await page.goto("/mis-videos");
  await page.fill("#title", "Asistencia sin mirar");
  await page.setInputFiles("#file", clips[4]);
  await page.click("#upload button[type=submit]");
  const mine = page.locator(".mine-item", { hasText: "Asistencia sin mirar" });
  await mine.getByText(/Procesando: [2-9]\d/).waitFor();
  await mine.scrollIntoViewIfNeeded();
  await shoot(page, "myvideos-processing", size);
  await mine.getByText("Listo para publicar").waitFor();
  if (size === sizes.phone) await page.evaluate(() => document.querySelector("#my-list").scrollIntoView());
  await shoot(page, "myvideos-ready", size);
  await mine.getByRole("link", { name: "Publicar" }).click();
  await shoot(page, "publish", size);
  await page.getByRole("link", { name: "Todavía no" }).click();
  await mine.getByRole("link", { name: "Eliminar" }).click();
  await shoot(page, "delete", size);
  await page.getByRole("button", { name: "Eliminar" }).click();
  await page.waitForURL("**/mis-videos");
  await page.context().close();
}

const data = fs.mkdtempSync(path.join(os.tmpdir(), "stars-pictures-"));
const browser = await startBrowser();
let program = await startProgram({ DATA_DIR: data });
try {
  const clips = [];
  for (let number = 0; number < sceneCount; number++) clips.push(await scene(browser, data, number, 3));
  const crowd = await fill(program, clips);
  await program.stop(); // where everybody stands is remembered at the next start
  program = await startProgram({ DATA_DIR: data });
  for (const fan of crowd.fans) Object.assign(fan, { url: program.url });
  for (const fan of crowd.fans.slice(crowd.list[1].votes)) await fan.vote(crowd.list[1].id);
  const large = swell(clips[3], "tapon.mp4", 90 << 20);
  const proxy = await startProxy(program.url);
  const author = { ...crowd.list[0].person };
  for (const size of Object.values(sizes)) {
    await publicPages(browser, program, crowd, size);
    await ownPages(browser, program, proxy, author, clips, large, size);
  }
  await proxy.stop();
} finally {
  await browser.close();
  await program.stop();
  fs.rmSync(data, { recursive: true, force: true });
}
