// The console as tests use it: what they need to begin with is posted as its forms post it, without drawing a page.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { request } from "@playwright/test";

export const owner = { email: "owner@example.com", password: "a long enough password" };

/** Makes an owner and signs them in; gives the session's cookie. */
export async function signIn(server) {
  await server.owner(owner.email, owner.password);
  const client = await request.newContext({ baseURL: server.url, extraHTTPHeaders: { origin: server.url } });
  const answer = await client.post("/admin/sign-in", { form: owner, maxRedirects: 0 });
  if (answer.status() !== 303) throw new Error(`signing in answered ${answer.status()}`);
  const { cookies } = await client.storageState();
  await client.dispose();
  return cookies[0];
}

export class Console {
  constructor(page, server) {
    this.page = page;
    this.server = server;
  }

  /** Posts a form and gives where it leads; anything but a redirect is a failure. */
  async post(address, form) {
    const headers = { origin: this.server.url };
    const answer = await this.page.request.post(address, { form, headers, maxRedirects: 0 });
    if (answer.status() !== 303) throw new Error(`${address} answered ${answer.status()}: ${await answer.text()}`);
    return answer.headers().location;
  }

  /** Adds a group and gives its id. */
  async group(name) {
    await this.post("/admin/groups/new", { name, position: "1" });
    return this.#listed(name, "groups");
  }

  /** Adds a component and gives its id. The name's last word must be its own. */
  async component(name, fields = {}) {
    await this.post("/admin/components/new", { name, description: "", status: "operational", group: "", position: "1", ...fields });
    return this.#listed(name, "components");
  }

  async #listed(name, kind) {
    const list = await (await this.page.request.get("/admin/components")).text();
    const word = name.split(" ").at(-1);
    return list.match(new RegExp(`${word}<[\\s\\S]*?/admin/${kind}/([^"]+)"`))[1];
  }

  /** Publishes an incident without mailing anyone and gives its id. `components` maps ids to statuses. */
  async incident(name, { components = {}, ...fields } = {}) {
    const listed = Object.entries(components).map(([id, status]) => [`component.${id}`, status]);
    const update = { status: "investigating", body: "We are looking into it.", impact: "", display_at: "", notify: "no", intent: "publish" };
    const to = await this.post("/admin/incidents/new", { name, ...update, ...Object.fromEntries(listed), ...fields });
    if (to.startsWith("/admin/incidents/")) return to.split("/").at(-1);
    const broadcast = await (await this.page.request.get(to)).text();
    return broadcast.match(/\/admin\/incidents\/([a-z0-9]{6,})/)[1];
  }

  /** Imports `count` people who follow one component, given by its name or id. */
  async followers(component, count) {
    const word = component.split(" ").at(-1).toLowerCase();
    const lines = Array.from({ length: count }, (_, number) => `reader-${number}@${word}.example,"${component}"`);
    const file = path.join(this.server.data, `${word}.csv`);
    await writeFile(file, lines.join("\n"));
    await this.server.run(["import", "subscribers", file, "--confirmed"]);
  }
}
