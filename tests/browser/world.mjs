// The world of the browser tests: the built program with data of its own, clips, a proxy that can cut a connection,
// and the browser.
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "../..");
const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// patience is how long tests wait for what must happen, where nothing shows how far it has come. The busiest machine needs far less.
export const patience = 180_000;

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const sizes = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };

// startProgram serves from a folder of its own, which goes when it is stopped, or from one that is given.
export async function startProgram(settings = {}) {
  const data = settings.DATA_DIR ?? fs.mkdtempSync(path.join(os.tmpdir(), "stars-browser-"));
  const child = spawn(path.join(root, "bin/risingstars"), ["serve"], {
    env: { ...process.env, LISTEN_ADDR: "127.0.0.1:0", DATA_DIR: data, RATE_LIMIT: "off", PASSWORD_COST: "4", ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const removeData = () => { if (!settings.DATA_DIR) fs.rmSync(data, { recursive: true, force: true }); };
  const end = () => { // when this process ends before stop has been called, by a signal too
    child.kill("SIGKILL");
    removeData();
  };
  process.once("exit", end);
  let log = "";
  child.stderr.on("data", (piece) => { log += piece; });
  const url = await new Promise((resolve, reject) => {
    let out = "";
    child.stdout.on("data", (piece) => {
      out += piece;
      const found = /web site +(http:\/\/\S+)\//.exec(out);
      if (found) resolve(found[1]);
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error("the program ended:\n" + log)));
    setTimeout(() => reject(new Error(`the program was not ready within ${patience} ms:\n${log}`)), patience).unref();
  });
  return {
    url, data, log: () => log,
    async stop() {
      process.removeListener("exit", end);
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGTERM");
        await ended;
      }
      removeData();
    },
  };
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1)); // which ends what was started

// clip makes a playable file: a moving picture of a few seconds.
export function clip(dir, name, source = "testsrc2=s=1280x720:r=30", seconds = 3) {
  const file = path.join(dir, name);
  execFileSync("ffmpeg", ["-v", "error", "-y", "-f", "lavfi", "-i", source, "-t", String(seconds),
    "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-movflags", "+faststart", file]);
  return file;
}

// swell makes a playable file as large as is asked, by a box of nothing at its end (ISO 14496-12: "free").
export function swell(file, name, size) {
  const big = path.join(path.dirname(file), name);
  const content = fs.readFileSync(file);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(size - content.length, 0);
  head.write("free", 4);
  fs.writeFileSync(big, Buffer.concat([content, head, randomBytes(size - content.length - 8)]));
  return big;
}

// startProxy stands between browser and program. It counts what the browser sends; at `limit` bytes it cuts every
// connection, or holds them where `hold` is set. A connection that has sent `most` bytes waits for release(). The first
// answer that holds the text `lost` is cut off before the browser has read any of it. `offsets` has where each piece of a
// resumable upload begins, in bytes of the file.
export async function startProxy(target) {
  const to = new URL(target);
  const pairs = new Set();
  const proxy = { sent: 0, limit: Infinity, hold: false, cuts: 0, most: Infinity, lost: null, offsets: [] };
  const held = [];
  const server = net.createServer((client) => {
    const upstream = net.connect(to.port, to.hostname);
    const pair = { client, upstream };
    pairs.add(pair);
    let sent = 0;
    client.on("data", (piece) => {
      proxy.sent += piece.length;
      const head = piece.toString("latin1", 0, 8192);
      if (head.startsWith("PATCH ")) proxy.offsets.push(Number(/^upload-offset: (\d+)/im.exec(head)?.[1]));
      if (proxy.sent > proxy.limit) {
        if (proxy.hold) {
          client.pause();
          return;
        }
        proxy.limit = Infinity;
        proxy.cuts++;
        proxy.cut();
        return;
      }
      sent += piece.length;
      if (sent > proxy.most) {
        client.pause();
        held.push(() => { upstream.write(piece); client.resume(); });
        return;
      }
      if (!upstream.write(piece)) {
        client.pause();
        upstream.once("drain", () => client.resume());
      }
    });
    upstream.on("data", (piece) => {
      if (proxy.lost && piece.includes(proxy.lost)) {
        proxy.lost = null;
        proxy.cuts++;
        end();
        return;
      }
      client.write(piece);
    });
    upstream.on("end", () => client.end());
    client.on("end", () => upstream.end());
    const end = () => { pairs.delete(pair); client.destroy(); upstream.destroy(); };
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
  });
  proxy.cut = () => pairs.forEach(({ client, upstream }) => { client.destroy(); upstream.destroy(); });
  proxy.release = () => {
    proxy.most = Infinity;
    held.splice(0).forEach((go) => go());
  };
  proxy.stop = () => new Promise((resolve) => { proxy.cut(); server.close(resolve); });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy.url = `http://127.0.0.1:${server.address().port}`;
  return proxy;
}

export const startBrowser = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

export const allRules = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"];
export const rulesOnColours = { type: "rule", values: ["color-contrast", "link-in-text-block"] };

// faultsOf lists what axe-core finds serious or critical on a page.
export async function faultsOf(page, rules = allRules) {
  // By the debugger's protocol, which a Content-Security-Policy does not bind.
  if (!await page.evaluate(() => Boolean(window.axe))) await page.evaluate(`(() => { ${axe} })()`);
  const { violations } = await page.evaluate((runOnly) => window.axe.run({ runOnly, resultTypes: ["violations"] }), rules);
  return violations.filter((v) => ["serious", "critical"].includes(v.impact))
    .map((v) => `${v.id}: ${v.nodes.map((n) => n.target + " " + n.failureSummary).join("; ")}`);
}
