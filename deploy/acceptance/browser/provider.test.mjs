// Signing in with an identity provider that nobody here wrote, on another site: PKCE, cookies that cross sites, roles.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Provider } from "oidc-provider";
import { base, browser, inspect } from "./site.mjs";

const issuer = process.env.ISSUER;
let listening;

before(async () => {
  const provider = new Provider(issuer, {
    clients: [{ client_id: "readtrail", client_secret: process.env.CLIENT_SECRET, redirect_uris: [`${base}/sign-in/callback`] }],
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    conformIdTokenClaims: false,
    claims: { openid: ["sub", "groups"], profile: ["name"] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, groups: id.startsWith("officer") ? ["staff", "privacy"] : ["staff"] }) }),
  });
  await new Promise((ready) => { listening = provider.listen(new URL(issuer).port, "127.0.0.1", ready); });
});
after(async () => {
  await browser.close();
  listening.closeAllConnections();
  listening.close();
});

/** Goes to the provider's site, says who one is, and comes back. */
async function goThrough(account) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const astray = [];
  page.on("console", (m) => { if (m.type() === "error" && page.url().startsWith(base) && !m.text().includes("status of 403")) astray.push(m.text()); });
  // The provider's pages may ask for what they like, and do not get it.
  await context.route((url) => ![base, issuer].includes(url.origin), (route) => route.abort());
  await page.goto(`${base}/sign-in`);
  await page.getByRole("link", { name: "Sign in with localhost" }).click();
  await page.locator("[name=login]").fill(account);
  await page.locator("[name=password]").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL((url) => url.origin === base);
  return { context, page, astray };
}

test("the door offers both ways", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${base}/sign-in`);
  await inspect(page, "sign-in-provider");
  await context.close();
});

test("an officer signs in as the provider calls them", async () => {
  const { context, page, astray } = await goThrough("officer-7");
  await page.waitForURL(`${base}/`);
  await page.getByText("oidc:officer-7").waitFor();
  await page.getByText("privacy officer").waitFor();
  const cookies = (await context.cookies(base)).filter((c) => c.name.startsWith("readtrail-"));
  assert.deepEqual(cookies.map((c) => [c.httpOnly, c.sameSite]), [[true, "Strict"]], "the errand's cookie is left, or the session's is not Strict");
  await page.reload();
  await page.getByText("oidc:officer-7").waitFor();
  assert.deepEqual(astray, []);
  await context.close();
});

test("who has no role is not let in", async () => {
  const { context, page, astray } = await goThrough("visitor-7");
  await page.getByRole("heading", { name: "You have no role here" }).waitFor();
  await page.goto(`${base}/`);
  await page.waitForURL(`${base}/sign-in`);
  assert.deepEqual(astray, []);
  await context.close();
});
