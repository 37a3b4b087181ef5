// What is kept of a test that fails, in bin/browser: of each of its pages a picture, the HTML as it then was, and what the page has
// asked for and said on its console; and the program's log. With BROWSER_TRACE set there is a trace of every action as well.
import fs from "node:fs";
import path from "node:path";
import { root } from "./world.mjs";

export class Failures {
  #folder = path.join(root, "bin/browser");
  #any = false;

  constructor() { fs.rmSync(this.#folder, { recursive: true, force: true }); }

  // record notes what happens on a page. The end of the recording keeps it if the test has failed.
  async record(t, page) {
    const lines = [];
    page.on("console", (message) => lines.push(`console: ${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => lines.push(`error: ${error.stack}`));
    page.on("response", (response) => lines.push(`${response.status()} ${response.request().method()} ${response.url()}`));
    page.on("requestfailed", (request) => lines.push(`${request.failure()?.errorText} ${request.method()} ${request.url()}`));
    const { tracing } = page.context();
    if (process.env.BROWSER_TRACE) await tracing.start({ screenshots: true, snapshots: true });
    return { end: () => t.passed ? undefined : this.#keep(t.name, page, lines, tracing) };
  }

  async #keep(name, page, lines, tracing) {
    this.#any = true;
    fs.mkdirSync(this.#folder, { recursive: true });
    const plain = name.normalize("NFD").replace(/[^A-Za-z0-9]+/g, "-").toLowerCase();
    let file = path.join(this.#folder, plain); // without its ending
    for (let n = 2; fs.existsSync(`${file}.txt`); n++) file = path.join(this.#folder, `${plain}-${n}`);
    fs.writeFileSync(`${file}.txt`, [`at ${page.url()}`, ...lines, ""].join("\n"));
    // The page may be what hangs.
    await page.screenshot({ path: `${file}.png`, fullPage: true, timeout: 30_000 }).catch((error) => fs.appendFileSync(`${file}.txt`, `${error}\n`));
    await page.content().then((html) => fs.writeFileSync(`${file}.html`, html), () => {});
    if (process.env.BROWSER_TRACE) await tracing.stop({ path: `${file}.zip` });
  }

  // keepLog keeps the program's log if a test has failed.
  keepLog(log) {
    if (!this.#any) return;
    fs.writeFileSync(path.join(this.#folder, "program.log"), log);
    console.error(`what the pages showed, and the program's log, are in ${this.#folder}`);
  }
}
