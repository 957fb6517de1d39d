// Starts the real `tidings` on a port of its own with an empty data folder.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const target = path.resolve(root, process.env.CARGO_TARGET_DIR ?? "target");
const tidings = process.env.TIDINGS_BIN ?? path.join(target, "debug/tidings");

/** Runs one `tidings …` command to its end and gives its standard output; `input` is what it reads. */
async function run(data, settings, words, input = "") {
  const child = spawn(tidings, words, { env: environment(data, settings), stdio: "pipe" });
  let [output, complaint] = ["", ""];
  child.stdout.on("data", (text) => (output += text));
  child.stderr.on("data", (text) => (complaint += text));
  // A command that reads nothing may be over before its input is there.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [status] = await once(child, "close");
  if (status !== 0) throw new Error(`tidings ${words.join(" ")} ended with ${status}: ${complaint}`);
  return output;
}

function environment(data, settings) {
  // Whatever the person at this terminal has set for their own server stays out of the tests.
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("TIDINGS_"));
  return { ...Object.fromEntries(own), TIDINGS_DATA: data, TIDINGS_LISTEN: "127.0.0.1:0", ...settings };
}

/**
 * Starts `tidings serve` and waits until it listens. `settings` are environment variables, `TIDINGS_…`.
 *
 * Gives `url`, `data` (the folder), `log()` (what it said so far), `run(words, input)` (another command on the same
 * data), `owner(email, password)`, `outbox()` (captured mails as text, oldest name first) and `stop()`.
 */
export async function startServer(settings = {}) {
  const data = await mkdtemp(path.join(tmpdir(), "tidings-end2end-"));
  const child = spawn(tidings, ["serve"], { env: environment(data, settings), stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "close");
  const said = [];
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line);
      const address = line.match(/listening on (http:\/\/[^\s"]+)/);
      if (address) resolve(address[1]);
    });
    child.on("error", (error) => reject(new Error(`${tidings} does not start (is it built?): ${error.message}`)));
    ended.then(([status]) => reject(new Error(`tidings ended with ${status} instead of listening:\n${said.join("\n")}`)));
  });

  return {
    url,
    data,
    log: () => said.join("\n"),
    run: (words, input) => run(data, settings, words, input),
    owner: (email, password) => run(data, settings, ["owner", "create", "--email", email], `${password}\n`),
    async outbox() {
      const folder = path.join(data, "outbox");
      const names = await readdir(folder, { recursive: true }).catch(() => []);
      const mails = names.filter((name) => name.endsWith(".eml")).sort();
      return Promise.all(mails.map((name) => readFile(path.join(folder, name), "utf8")));
    },
    async stop() {
      child.kill("SIGTERM");
      const impatience = setTimeout(() => child.kill("SIGKILL"), 20_000);
      const [status, signal] = await ended;
      clearTimeout(impatience);
      await rm(data, { recursive: true, force: true });
      if (status !== 0) throw new Error(`tidings did not shut down cleanly (${signal ?? status}):\n${said.join("\n")}`);
    },
  };
}
