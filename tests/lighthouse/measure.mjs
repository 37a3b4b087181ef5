// Measures the gallery and a video's page as a phone on a slow network sees them (Lighthouse's default), against the
// built program with videos that it has processed.
import fs from "node:fs";
import path from "node:path";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";
import { Person } from "../browser/crowd.mjs";
import { clip, startProgram } from "../browser/world.mjs";

const wanted = 95;
const categories = ["performance", "accessibility", "best-practices", "seo"];
const reports = process.argv[2]; // a folder

async function publicVideos(program) {
  const source = clip(program.data, "jugada.mp4", "mandelbrot=s=1280x720:r=30");
  const player = await Person.join(program.url, "Valentina", "Ríos", "Bogotá");
  const ids = [];
  for (const title of ["Triple desde la esquina", "Asistencia sin mirar", "Tapón y contraataque"]) {
    ids.push(await player.upload(title, source));
  }
  for (const id of ids) {
    await player.processed(id);
    await player.publish(id);
  }
  return ids;
}

async function measure(chrome, name, url) {
  const { lhr, report } = await lighthouse(url, { port: chrome.port, output: "html", logLevel: "error", onlyCategories: categories });
  fs.writeFileSync(path.join(reports, `${name}.html`), report);
  const scores = categories.map((category) => Math.round(lhr.categories[category].score * 100));
  console.log(name.padEnd(10) + scores.map((score) => String(score).padStart(16)).join(""));
  const low = Object.values(lhr.categories).flatMap((category) => category.auditRefs)
    .filter(({ id, weight }) => weight > 0 && lhr.audits[id].score !== null && lhr.audits[id].score < 0.9);
  for (const { id } of low) console.log(`  ${id}: ${lhr.audits[id].displayValue ?? lhr.audits[id].title}`);
  return scores.every((score) => score >= wanted);
}

const program = await startProgram();
const chrome = await launch({
  chromePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
});
try {
  const [id] = await publicVideos(program);
  console.log(" ".repeat(10) + categories.map((category) => category.padStart(16)).join(""));
  const good = [await measure(chrome, "gallery", program.url + "/"), await measure(chrome, "video", `${program.url}/v/${id}`)];
  process.exitCode = good.every(Boolean) ? 0 : 1;
} finally {
  await chrome.kill();
  await program.stop();
}
