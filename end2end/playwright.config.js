// Debian's Chromium, with and without JavaScript. Servers are started by the tests: see support/test.js.
//
// A test runs in both projects unless its title says otherwise: @javascript keeps it out of the second, and
// @no-javascript out of the first. There is no skipping: .ci/run counts a skipped test as a failed one.
import { defineConfig } from "@playwright/test";
import { chromium } from "./support/chromium.js";

const ci = Boolean(process.env.CI);

export default defineConfig({
  testMatch: "**/*.spec.js",
  fullyParallel: true,
  forbidOnly: ci,
  // A test that passes at the second attempt hides a fault.
  retries: 0,
  timeout: 60_000,
  workers: 2,
  reporter: ci ? [["list"], ["json", { outputFile: "test-results/report.json" }]] : "list",
  use: {
    launchOptions: chromium,
    timezoneId: "Asia/Kolkata", // half an hour off the full one: a wrong local time shows
    locale: "en-GB",
    // A trace takes a fifth of the time. Where one wonders about a failure: npx playwright test --trace on NAME
    screenshot: "only-on-failure",
  },
  projects: [
    { name: "chromium", grepInvert: /@no-javascript/ },
    { name: "no-javascript", grepInvert: /@javascript/, use: { javaScriptEnabled: false } },
  ],
});
