// Wakes the interactive parts of a page the server has already drawn.
// Lives beside site.js and site_bg.wasm, so it needs no configuration and no inline script.
import init, * as site from "./site.js";

const islands = document.querySelectorAll("leptos-island");
if (islands.length > 0) {
  await init();
  site.hydrate();
  // Document order: an outer island wakes before the islands projected into its children.
  for (const island of islands) {
    const wake = site[island.dataset.component];
    if (!wake) {
      console.error(`No island called ${island.dataset.component}: page and script come from different builds.`);
      continue;
    }
    // Lets an inner island see the context its outer island provided.
    island.parentElement.closest("leptos-children")?.$$on_hydrate?.();
    await wake(island);
  }
}
// What a browser test waits for before it clicks.
document.documentElement.dataset.awake = "";
