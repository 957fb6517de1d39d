// Measures what README.md says of page weights, times and throughput, with a server of its own:
//   node measure.mjs [SECONDS]
// TIDINGS_BIN names the program; a debug build says nothing of throughput.
import { once } from "node:events";
import { connect } from "node:net";
import { brotliDecompressSync } from "node:zlib";
import { request } from "node:http";
import { chromium as browserType } from "@playwright/test";
import { chromium } from "./support/chromium.js";
import { startServer } from "./support/server.js";

const seconds = Number(process.argv[2] ?? 5);
const connections = 32;
const rounds = 21;
const server = await startServer({ TIDINGS_API_RATE: "0" });
const words = ["key", "create", "--name", "Measure", "--scopes", "components,incidents", "--expires", "1d"];
const authorization = `Bearer ${(await server.run(words)).trim()}`;

/** Asks the API and gives what it answers. */
async function api(path, body) {
  const headers = { authorization, "content-type": "application/json" };
  const answer = await fetch(`${server.url}/api/v1/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

/** The bytes of an address as they come over the wire, and as they are. */
async function weight(path) {
  const asked = request(server.url + path, { headers: { "accept-encoding": "br" } }).end();
  const [answer] = await once(asked, "response");
  const wire = Buffer.concat(await answer.toArray());
  const raw = answer.headers["content-encoding"] === "br" ? brotliDecompressSync(wire) : wire;
  return { path, raw: raw.length, brotli: wire.length };
}

/** The middle and the worst of some times, in milliseconds. */
function spread(times) {
  const sorted = times.toSorted((a, b) => a - b);
  return `median ${sorted[Math.floor(sorted.length / 2)].toFixed(0)} ms, worst ${sorted.at(-1).toFixed(0)} ms of ${times.length}`;
}

/** How many answers a second come over kept connections that each ask as soon as they are answered. */
async function throughput(path) {
  const { hostname, port } = new URL(server.url);
  const asked = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\naccept-encoding: br\r\n\r\n`);
  const until = performance.now() + seconds * 1000;
  let answers = 0;
  const run = () =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => socket.write(asked));
      let missing = 0;
      let head = "";
      socket.setNoDelay(true).on("error", reject);
      socket.on("data", (chunk) => {
        if (missing === 0) {
          head += chunk.toString("latin1");
          const end = head.indexOf("\r\n\r\n");
          if (end < 0) return;
          if (!head.startsWith("HTTP/1.1 200")) return reject(new Error(head));
          missing = Number(head.match(/content-length: (\d+)/i)[1]) - (head.length - end - 4);
          head = "";
        } else {
          missing -= chunk.length;
        }
        if (missing > 0) return;
        answers += 1;
        if (performance.now() < until) socket.write(asked);
        else resolve(socket.destroy());
      });
    });
  await Promise.all(Array.from({ length: connections }, run));
  return answers / seconds;
}

const names = ["API", "Webhooks", "Dashboard", "Card payments", "Bank transfers", "Payouts", "Reports", "Website"];
const components = [];
for (const name of names) components.push(await api("components", { name }));
const [{ id: first }] = components;
const opened = {
  name: "Elevated API errors", status: "investigating", notify: false,
  body: "We are investigating elevated error rates. About one request in ten fails.", components: { [first]: "partial_outage" },
};
const incident = await api("incidents", opened);
for (const status of ["identified", "monitoring", "identified"]) {
  const body = "A change to the **edge cache** causes the errors.\n\n- It is being rolled back.\n- Requests that failed can be sent again.";
  await api(`incidents/${incident.id}/updates`, { status, body, notify: false });
}
const pages = ["/", `/incidents/${incident.id}`, `/components/${first}`, "/history", "/subscribe"];
const browser = await browserType.launch(chromium);
const context = await browser.newContext({ baseURL: server.url });

console.log("| page | HTML | brotli | requests |\n|---|--:|--:|--:|");
for (const path of pages) {
  const page = await context.newPage();
  const requests = [];
  page.on("request", (asked) => requests.push(new URL(asked.url()).pathname));
  // Not until the network rests: an open page listens.
  await page.goto(path, { waitUntil: "load" });
  const { raw, brotli } = await weight(path);
  const loaded = requests.filter((asked) => asked !== "/events");
  console.log(`| ${path.replace(/[0-9a-z]{12}/, "…")} | ${raw} | ${brotli} | ${loaded.length} (${loaded.map((it) => it.split("/").at(-1) || "/").join(", ")}) |`);
  await page.close();
}
const html = await (await fetch(server.url)).text();
for (const asset of [...html.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => path)) {
  const { raw, brotli } = await weight(asset);
  console.log(`| ${asset.split("/").at(-1)} | ${raw} | ${brotli} | |`);
}

const page = await context.newPage();
await page.goto("/", { waitUntil: "load" });
await page.waitForTimeout(1000);
const [open, fresh] = [[], []];
for (let round = 0; round < rounds; round += 1) {
  const name = `Round ${round}`;
  const began = performance.now();
  const seen = page.getByRole("heading", { name, exact: true }).first().waitFor().then(() => open.push(performance.now() - began));
  const published = await api("incidents", { ...opened, name });
  for (;;) {
    if ((await (await fetch(server.url)).text()).includes(`>${name}<`)) break;
  }
  fresh.push(performance.now() - began);
  await seen;
  await api(`incidents/${published.id}/updates`, { status: "resolved", body: "Over.", notify: false, components: { [first]: "operational" } });
}
await browser.close();
console.log(`from publish to a fresh GET: ${spread(fresh)}`);
console.log(`from publish to an open page: ${spread(open)}`);

const still = await throughput("/favicon.svg");
const home = await throughput("/");
console.log(`home page ${home.toFixed(0)}/s, the icon ${still.toFixed(0)}/s, ratio ${(home / still).toFixed(2)} (${connections} connections, ${seconds} s, both from this machine)`);

for (let number = components.length; number < 500; number += 1) await api("components", { name: `Region ${number}` });
const large = await weight("/");
console.log(`500 components: ${large.raw} bytes, ${large.brotli} with brotli, ${(await throughput("/")).toFixed(0)}/s`);
await server.stop();
