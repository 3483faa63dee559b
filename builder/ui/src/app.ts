// What every page loads: htmx, menus, dialogs, pickers, sub-tables; islands are fetched only where a page has them.
import htmx from "htmx.org";
import { setUpCopying } from "./copy";
import { setUpChips } from "./chips";
import { listenToDevices, setUpDevices } from "./devices";
import { setUpDialogs } from "./dialogs";
import { setUpFiles } from "./files";
import { setUpForms } from "./forms";
import { setUpMenus } from "./menus";
import { followAll, setUpOptions } from "./options";
import { setUpPaged } from "./paged";
import { setUpPending } from "./pending";
import { setUpPickers } from "./picker";
import { setUpSubtables } from "./subtable";
import { showNotice } from "./notices";

type Island = { mount(element: HTMLElement): void | Promise<void> };

const ISLANDS: Record<string, () => Promise<Island>> = {
  logic: () => import("./form"),
  chart: () => import("./chart"),
  dashboard: () => import("./dashboard"),
  acting: () => import("./acting"),
  grid: () => import("./grid"),
  sortable: () => import("./sortable"),
  code: () => import("./code"),
  process: () => import("./process"),
  json: () => import("./json"),
  richtext: () => import("./richtext"),
  ranking: () => import("./ranking"),
  signature: () => import("./signature"),
  address: () => import("./address"),
  view: () => import("./views/view"),
  phrases: () => import("./phrases"),
  replay: () => import("./replay"),
};

htmx.config.allowEval = false;
htmx.config.allowScriptTags = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.selfRequestsOnly = true;
// Styles are never copied as attributes: the policy allows none.
htmx.config.attributesToSettle = ["class", "width", "height"];
htmx.config.historyCacheSize = 0;
htmx.config.refreshOnHistoryMiss = true;
htmx.config.scrollIntoViewOnBoost = false;
// Refusals come back as pages that say what is wrong: they are shown like any other answer.
htmx.config.responseHandling = [
  { code: "204", swap: false },
  { code: "[23]..", swap: true },
  { code: "(403|404|409|422|429)", swap: true },
  { code: "[45]..", swap: false, error: true },
];

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf"]')?.content;
  if (token) (event as CustomEvent).detail.headers["X-CSRF-Token"] = token;
});
document.addEventListener("htmx:beforeRequest", () => document.body.classList.add("loading"));
document.addEventListener("htmx:afterRequest", () => document.body.classList.remove("loading"));
document.addEventListener("htmx:responseError", (event) => {
  const answer: XMLHttpRequest = (event as CustomEvent).detail.xhr;
  showNotice(answer.getResponseHeader("X-Error-Text") ?? document.body.dataset.textFailed ?? "", "error");
});
document.addEventListener("htmx:sendError", () => showNotice(document.body.dataset.textOffline ?? "", "error"));
document.addEventListener("notice", (event) => {
  const { text, kind } = (event as CustomEvent<{ text: string; kind?: string }>).detail;
  showNotice(text, kind);
});

async function mountIslands(root: ParentNode): Promise<void> {
  const found = [...root.querySelectorAll<HTMLElement>("[data-island]")];
  if (root instanceof HTMLElement && root.dataset.island) found.unshift(root);
  for (const element of found) {
    if (element.dataset.mounted) continue;
    element.dataset.mounted = "true";
    const load = ISLANDS[element.dataset.island ?? ""];
    if (load) await (await load()).mount(element);
  }
}

// Before all others: a form waits for its uploads.
setUpPending();
setUpMenus();
setUpCopying();
setUpDialogs();
setUpForms();
setUpPickers();
setUpSubtables();
setUpFiles();
setUpChips();
setUpOptions();
listenToDevices();
setUpPart(document.body);
document.addEventListener("htmx:load", (event) => setUpPart((event as CustomEvent).detail.elt as HTMLElement));
document.addEventListener("row-added", (event) => setUpPart(event.target as HTMLElement));

let mentions: Promise<void> | undefined;

function setUpPart(part: HTMLElement): void {
  if (part.querySelector("form[data-mentions]")) mentions ??= import("./mentions").then((module) => module.setUpMentions());
  setUpDevices(part);
  setUpPaged(part);
  followAll(part);
  void mountIslands(part);
}

document.documentElement.dataset.ready = "true";
