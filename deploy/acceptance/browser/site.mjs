// What the tests share: a browser that notices everything it should not have to, and axe.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mkdir, readFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const need = (name) => {
  assert.ok(process.env[name], `${name} is not set: run this with go tool task browser`);
  return process.env[name];
};

export const base = need("BASE");
export const story = { mrn: need("MRN"), reader: need("READER") };
export const links = { first: need("LINK"), second: need("LINK_SECOND"), script: need("LINK_NO_SCRIPT"), viewer: need("LINK_VIEWER"),
  officer: need("LINK_OFFICER"), colleague: need("LINK_COLLEAGUE"), views: need("LINK_VIEWS"), viewsOther: need("LINK_VIEWS_OTHER") };
const shots = process.env.SHOTS;
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const browser = await chromium.launch({
  executablePath: need("CHROMIUM"),
  // Tests run as root in containers, where Chromium's own sandbox cannot; what it loads is the console alone.
  args: ["--no-sandbox"],
});

/** A context with its own cookies, and what went wrong in it. Statuses that a test provokes are expected. */
export async function visitor(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce", ...options });
  const wrong = [];
  const expected = new Set();
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && ![...expected].some((status) => message.text().includes(`status of ${status}`))) {
      wrong.push(`console: ${message.text()}`);
    }
  });
  context.on("weberror", (error) => wrong.push(`script: ${error.error()}`));
  context.on("request", (request) => {
    if (new URL(request.url()).origin !== base) wrong.push(`request to ${request.url()}`);
    if (request.url().includes(story.mrn.split("|").pop()) || request.url().includes(story.reader.split("|").pop())) {
      wrong.push(`an address names somebody: ${request.url()}`);
    }
  });
  const page = await context.newPage();
  return { context, page, wrong, expected };
}

/** Signs in by a link and waits for the first page. */
export async function signIn(page, link) {
  await page.goto(link);
  await page.waitForURL(`${base}/`);
}

/** Types into the search box and states a purpose, as people do. */
export async function ask(page, text, kind = "") {
  await page.goto(`${base}/`);
  await page.getByLabel("What do you look for?").fill(text);
  await page.getByLabel("It is").selectOption(kind);
  await page.getByLabel("Why do you ask?").fill("trying the demo");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await page.waitForURL((url) => !["/", "/ask"].includes(url.pathname));
}

/** No serious fault by axe, no sideways scroll, in both schemes and at each width; a picture of each when wanted. */
export async function inspect(page, name) {
  for (const width of [1440, 390, 320]) {
    await page.setViewportSize({ width, height: 900 });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(sideways, 0, `${name} at ${width} px scrolls sideways by ${sideways}`);
      if (shots && width !== 320) {
        await mkdir(shots, { recursive: true });
        await page.screenshot({ path: `${shots}/${name}-${width}-${colorScheme}.png`, fullPage: true });
      }
      if (width === 320) continue;
      await page.evaluate(axe);
      // Everything once for each width; what a scheme can change, its colours, for both.
      const whole = (width === 1440) === (colorScheme === "light");
      const { violations } = await page.evaluate((all) => axe.run(document, {
        resultTypes: ["violations"],
        runOnly: all ? ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] : { type: "rule", values: ["color-contrast"] },
      }), whole);
      const faults = violations.map((v) => `${v.impact}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html).join(" ")}`);
      assert.deepEqual(faults, [], `${name} at ${width} px, ${colorScheme}`);
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
}
