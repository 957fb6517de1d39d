// Every page in its states: nothing axe objects to, nothing to scroll sideways, every island awake.
import { Console, owner, signIn } from "./support/console.js";
import { alone, awake, expect, expectAccessible, expectNoSidewaysScroll, test, unique } from "./support/test.js";

/** Looks at a page the way every page must pass. */
async function look(page, colorScheme = "light") {
  await page.emulateMedia({ colorScheme });
  if (await page.locator("leptos-island").count()) await awake(page);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
}

alone("the status page is accessible when empty, well and broken @javascript", async ({ page, own }) => {
  await page.goto("/");
  await look(page);
  await page.context().addCookies([await signIn(own)]);
  const admin = new Console(page, own);
  const group = await admin.group("Platform");
  const api = await admin.component("API", { group, description: "Everything under api.example.com" });
  await admin.component("Website");
  await page.goto("/");
  await look(page);

  const body = "Requests **fail**.\n\n| Region | Errors |\n|---|--:|\n| EU | 4 % |\n\n```\na very long line of output that does not fit on any telephone at all, however it is held\n```\n\n- [x] found[^1]\n\n[^1]: At last.";
  const id = await admin.incident("Elevated errors", { components: { [api]: "major_outage" }, body });
  for (const colorScheme of ["light", "dark"]) {
    await page.goto("/");
    await look(page, colorScheme);
    await page.goto(`/incidents/${id}`);
    await look(page, colorScheme);
  }
  await admin.post(`/admin/incidents/${id}`, { status: "resolved", body: "Over.", notify: "no", restore: "1", intent: "publish" });
  await page.goto("/");
  await look(page);
  await page.goto(`/incidents/${id}`);
  await look(page);
  expect((await page.goto("/nothing-here")).status()).toBe(404);
  await look(page);
});

test("subscribing is accessible at every step @javascript", async ({ admin, page, server }) => {
  const api = unique("API");
  await admin.component(api);
  await page.goto("/subscribe");
  await look(page);
  await page.getByRole("checkbox", { name: "Everything" }).uncheck();
  await look(page, "dark");
  await page.locator("main form").evaluate((form) => (form.noValidate = true));
  await page.getByRole("button", { name: "Subscribe" }).click();
  await expect(page.locator(".field-error")).toHaveCount(2);
  await look(page);
  const address = `${unique("axe").replace(" ", "-")}@example.net`;
  await page.getByLabel("Your e-mail address").fill(address);
  await page.getByRole("checkbox", { name: api }).check();
  await page.getByRole("button", { name: "Subscribe" }).click();
  await look(page);

  const link = async (word) => {
    let found;
    await expect(async () => {
      const mail = (await server.outbox()).filter((mail) => mail.includes(address)).at(-1) ?? "";
      found = mail.replaceAll(/=\r?\n/g, "").match(new RegExp(`(/${word}/[A-Za-z0-9_-]+)`))?.[1];
      expect(found).toBeTruthy();
    }).toPass({ timeout: 15_000 });
    return found;
  };
  await page.goto(await link("confirm"));
  await look(page);
  await page.getByRole("button", { name: "Confirm subscription" }).click();
  await look(page);
  await page.getByRole("link", { name: "Change what you hear of" }).click();
  await look(page, "dark");
  await page.getByRole("button", { name: "Unsubscribe" }).click();
  await look(page);
  await page.goto("/confirm/nonsense");
  await look(page);
  await page.goto("/unsubscribe/nonsense");
  await look(page);
});

alone("the way into the console is accessible @javascript", async ({ page, own }) => {
  const said = await own.run(["owner", "create", "--email", owner.email]);
  await page.goto(new URL(said.match(/http\S+/)[0]).pathname);
  await look(page);
  await page.goto("/admin/sign-in");
  await look(page);
  await page.getByLabel("E-mail address").fill(owner.email);
  await page.getByLabel("Password").fill("certainly not this one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await look(page, "dark");
});

alone("an empty console is accessible @javascript", async ({ page, own }) => {
  await page.context().addCookies([await signIn(own)]);
  for (const place of ["", "/incidents", "/incidents/new", "/components", "/components/new", "/groups/new", "/outbox", "/settings", "/account"]) {
    await page.goto(`/admin${place}`);
    await look(page);
  }
});

alone("a console at work is accessible @javascript", async ({ page, own }) => {
  await page.context().addCookies([await signIn(own)]);
  const admin = new Console(page, own);
  const group = await admin.group("Platform");
  await admin.group("Empty");
  const api = await admin.component("API", { group, description: "Everything under api.example.com" });
  await admin.component("Website");
  await admin.followers("API", 12);
  // So few a second that the broadcast is still open while it is looked at.
  const name = "Elevated errors";
  const to = await admin.post("/admin/incidents/new", {
    name, impact: "", status: "identified", body: "Some **requests** fail.", [`component.${api}`]: "major_outage", display_at: "", notify: "yes", intent: "publish",
  });
  await page.goto(to);
  await look(page);
  const incident = await page.getByRole("link", { name }).getAttribute("href");
  await page.goto("/admin");
  await look(page);
  await page.goto("/admin/components");
  await look(page);
  await page.goto(`/admin/components/${api}`);
  await page.getByText("Delete this component").click();
  await look(page, "dark");
  await page.goto(`/admin/groups/${group}`);
  await look(page);

  // Forms with something wrong.
  for (const place of ["/components/new", "/groups/new", "/settings", "/incidents/new", "/account"]) {
    await page.goto(`/admin${place}`);
    if (await page.locator("leptos-island").count()) await awake(page);
    await page.locator("form.box, .box > form").evaluateAll((forms) => {
      for (const form of forms) {
        form.noValidate = true;
        for (const field of form.querySelectorAll("input:not([type=hidden]), textarea")) if (!["radio", "checkbox"].includes(field.type)) field.value = "";
      }
    });
    await page.locator("main form button:visible").last().click();
    await expect(page).toHaveTitle(/^Error/);
    await look(page);
  }

  // A review, in both colours.
  await page.goto(incident);
  await awake(page);
  await page.getByRole("radio", { name: "Monitoring" }).check();
  await page.getByLabel("What do readers need to know?").fill("A fix is out[^1].\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- [x] done\n\n[^1]: Since noon.");
  await page.locator("#notify-yes").check();
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page.locator("#review")).toBeFocused();
  for (const colorScheme of ["light", "dark"]) await look(page, colorScheme);

  await page.goto("/admin/incidents");
  await look(page);
  await page.goto("/admin/outbox");
  await expect(async () => {
    await page.reload();
    await expect(page.locator(".rows li").first()).toBeVisible({ timeout: 100 });
  }).toPass({ timeout: 15_000 });
  await look(page);
  await page.locator(".rows a").first().click();
  await look(page);
  await page.goto("/admin/nothing-here");
  await look(page);
});

