// What pages do beyond forms and links: a link's secret, shortcuts, the help sheet, and a word while an answer is awaited.
// Every page works without it.
"use strict";
(() => {
  const $ = (selector) => document.querySelector(selector);

  // A one-time link: its secret leaves the address, and so the browser's history, before anything else.
  const door = $("[data-sign-in]");
  if (door && location.hash.length > 1) {
    const secret = location.hash.slice(1);
    history.replaceState(null, "", location.pathname);
    door.elements.secret.value = secret;
    door.requestSubmit();
  }

  // From another site the cookie did not come along; from here it does.
  const again = $("[data-again]");
  if (again) location.replace(again.href);

  // Waiting is said, and nothing is asked twice.
  const busy = $("[data-busy]");
  const rest = () => {
    busy.hidden = true;
    for (const form of document.querySelectorAll("form[data-sent]")) form.removeAttribute("data-sent");
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-ask]")) return;
    if (form.hasAttribute("data-sent")) return event.preventDefault();
    form.setAttribute("data-sent", "");
    busy.hidden = false;
  });
  addEventListener("pageshow", rest);
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.matches("[data-more]")) busy.hidden = false;
  });
  document.addEventListener("htmx:afterRequest", rest);

  // Rows that were added begin where the reader left off.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const target = event.detail.target;
    if (!target.matches("tbody.more")) return;
    const before = target.previousElementSibling;
    setTimeout(() => {
      const row = before && before.nextElementSibling && before.nextElementSibling.querySelector("[data-row] a");
      if (row) row.focus();
    }, 50);
  });

  // The help sheet, and whether single keys are shortcuts (WCAG 2.1.4).
  const sheet = $("[data-sheet]");
  const off = "readtrail-keys-off";
  for (const box of document.querySelectorAll("[data-keys]")) {
    box.checked = localStorage.getItem(off) === null;
    box.addEventListener("change", () => {
      if (box.checked) localStorage.removeItem(off);
      else localStorage.setItem(off, "1");
    });
  }
  const help = $("[data-help]");
  if (help && sheet) {
    help.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || location.pathname === "/help") return;
      event.preventDefault();
      sheet.showModal();
    });
  }

  const step = (by) => {
    const rows = [...document.querySelectorAll("[data-row]")].filter((row) => row.querySelector("a"));
    if (rows.length === 0) return;
    const at = rows.indexOf(document.activeElement && document.activeElement.closest("[data-row]"));
    const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
    next.querySelector("a").focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const go = (path) => {
    if (path) location.assign(path);
  };
  let leading = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem(off) !== null) return;
    if (event.target.closest("input, select, textarea, [contenteditable], dialog")) return;
    if (Date.now() - leading < 1500) {
      leading = 0;
      const item = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
      if (item) event.preventDefault();
      return go(item && item.href);
    }
    const keys = {
      "/": () => ($("[data-search]") ? $("[data-search]").focus() : go("/")),
      "?": () => sheet && sheet.showModal(),
      g: () => { leading = Date.now(); },
      j: () => step(1),
      k: () => step(-1),
      n: () => { const more = $("[data-more]"); if (more) more.click(); },
    };
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
})();
