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

  // The queue of alerts says by itself when it is another: the page asks for it, unless somebody is deciding.
  const queue = () => $("[data-live]");
  const ids = () => [...document.querySelectorAll("[data-alert]")].map((row) => row.dataset.alert);
  const tell = (text) => { const news = $("[data-news]"); if (news) news.textContent = text; };
  const busyWith = () => {
    const at = queue();
    return at && (at.querySelector("details[open]") || at.contains(document.activeElement) && document.activeElement.closest("form"));
  };
  let source = null;
  let older = false;
  const refresh = () => {
    const before = ids();
    htmx.ajax("GET", queue().dataset.now, { target: "#queue", swap: "outerHTML" }).then(() => {
      const after = ids();
      const came = after.filter((id) => !before.includes(id)).length;
      const gone = before.filter((id) => !after.includes(id)).length;
      tell(["The queue has changed", came && `${came} new`, gone && `${gone} gone`].filter(Boolean).join(", ") + ".");
    });
  };
  const changed = (event) => {
    const at = queue();
    if (!at || new URL(at.dataset.live, location).searchParams.get("mark") === event.data) return;
    if (!busyWith() && !older) return refresh();
    tell("The queue has changed. ");
    const show = document.createElement("button");
    show.type = "button";
    show.textContent = "Show it";
    show.addEventListener("click", refresh);
    $("[data-news]").append(show);
  };
  const listen = () => {
    const at = queue();
    if (!at || !window.EventSource) return;
    source = new EventSource(at.dataset.live);
    source.addEventListener("changed", changed);
    source.addEventListener("over", () => {
      source.close();
      tell("Your session has ended: reload the page to sign in again.");
    });
    source.addEventListener("error", () => {
      const refused = source.readyState === EventSource.CLOSED;
      source.close();
      if (refused) tell("This page is not live: reload it to see what is new.");
      setTimeout(listen, refused ? 60_000 : 3_000);
    });
  };
  listen();
  addEventListener("pagehide", () => source && source.close());

  // What is swapped keeps the focus where it was: at the same alert, else at the one in its place.
  let place = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "more" && queue()) older = true;
    if (event.detail.target.id !== "queue") return;
    older = false;
    const row = document.activeElement && document.activeElement.closest("[data-alert]");
    place = row && { id: row.dataset.alert, at: ids().indexOf(row.dataset.alert) };
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "queue" || !place) return;
    const rows = [...document.querySelectorAll("[data-alert]")];
    const row = rows.find((r) => r.dataset.alert === place.id) || rows[Math.min(place.at, rows.length - 1)];
    place = null;
    if (row && row.querySelector("a")) row.querySelector("a").focus();
  });

  // A key prepares a decision; it is sent by the button, or Ctrl+Enter.
  const prepare = (as) => () => {
    const row = document.activeElement && document.activeElement.closest("[data-alert]");
    const form = row ? row.querySelector("form.decision") : $(".side form.decision");
    const choice = form && form.querySelector(`input[value="${as}"]`);
    if (!choice) return;
    const panel = form.closest("details");
    if (panel) panel.open = true;
    choice.checked = true;
    form.elements.comment.focus();
  };
  const close = (panel) => {
    panel.open = false;
    panel.querySelector("summary").focus();
  };
  document.addEventListener("keydown", (event) => {
    const panel = event.target.closest("details.decide[open]");
    if (event.key === "Escape" && panel) close(panel);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches(".decision *")) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });
  document.addEventListener("click", (event) => {
    for (const panel of document.querySelectorAll("details.decide[open]")) if (!panel.contains(event.target)) panel.open = false;
  });

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
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
  // "g" waits for the letter that follows as long as it takes (WCAG 2.2.1: no time is too short for anybody). Any other key, which means
  // what it does by itself, and a click end it.
  let leading = false;
  document.addEventListener("click", () => { leading = false; });
  document.addEventListener("keydown", (event) => {
    if (["Shift", "CapsLock"].includes(event.key)) return;
    const led = leading;
    leading = false;
    if (event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem(off) !== null) return;
    if (event.target.closest("input, select, textarea, [contenteditable], dialog")) return;
    if (led) {
      const item = document.querySelector(`.bar a[data-key="${CSS.escape(event.key)}"]`);
      if (item) {
        event.preventDefault();
        return go(item.href);
      }
    }
    const keys = {
      "/": () => ($("[data-search]") ? $("[data-search]").focus() : go("/")),
      "?": () => sheet && sheet.showModal(),
      g: () => { leading = true; },
      j: () => step(1),
      k: () => step(-1),
      t: prepare("review"),
      m: prepare("misuse"),
      a: prepare("appropriate"),
      i: prepare("inconclusive"),
      r: prepare("reopened"),
      n: () => { const more = $("[data-more]"); if (more) more.click(); },
    };
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
})();
