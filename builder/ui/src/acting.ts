// What a designer does to the draft, one action after the other: nothing that was done is lost while the server is away.
//
// Each action has a key, so that sending it again after a lost answer does it once. The page shows the answer to the
// last one only; what is being typed meanwhile stays, with the focus and the scroll positions.
import htmx from "htmx.org";
import { showNotice } from "./notices";

type Values = Record<string, string | number>;
type Action = { address: string; values: [string, string][]; key: string };
type State = "idle" | "saving" | "saved" | "offline" | "signed-out" | "failed";

const WAITS = [1, 2, 5, 10, 30];
const TIMEOUT_MS = 30_000;
const TRIES_OF_FAILURE = 3;

class Acting {
  private readonly kept = `dougong-acts:${location.pathname.split("/").slice(0, 3).join("/")}`;
  private queue: Action[] = this.restored();
  private sending = false;
  private tries = 0;
  private timer = 0;

  constructor() {
    window.addEventListener("online", () => this.again());
    window.addEventListener("beforeunload", (event) => {
      if (this.queue.length) event.preventDefault();
    });
    if (this.queue.length) this.again();
  }

  add(address: string, values: [string, string][]): void {
    this.queue.push({ address, values, key: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` });
    this.keep();
    if (!this.timer) void this.pump();
  }

  again(): void {
    clearTimeout(this.timer);
    this.timer = 0;
    void this.pump();
  }

  private async pump(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    try {
      while (this.queue.length && (await this.sendFirst(this.queue[0]!)));
    } finally {
      this.sending = false;
    }
  }

  // Whether the next one may go.
  private async sendFirst(action: Action): Promise<boolean> {
    show("saving");
    let answer: Response;
    try {
      answer = await post(action);
    } catch {
      return this.later("offline");
    }
    if (answer.status === 401) return this.later("signed-out");
    if (answer.status === 429 || answer.status >= 500) return this.later(this.tries >= TRIES_OF_FAILURE ? "failed" : "offline");
    this.tries = 0;
    this.queue.shift();
    this.keep();
    if (![200, 409, 422].includes(answer.status)) {
      showNotice(document.body.dataset.textFailed ?? "", "error");
    } else if (!this.queue.length || answer.status !== 200) {
      render(await answer.text(), answer.headers.get("HX-Reswap") === "none");
    }
    show(answer.status === 200 ? "saved" : "idle");
    return true;
  }

  private later(state: State): false {
    show(state, this.queue.length);
    const wait = WAITS[Math.min(this.tries++, WAITS.length - 1)]!;
    if (state === "offline") this.timer = window.setTimeout(() => this.again(), wait * 1000);
    return false;
  }

  private keep(): void {
    if (this.queue.length) sessionStorage.setItem(this.kept, JSON.stringify(this.queue));
    else sessionStorage.removeItem(this.kept);
  }

  private restored(): Action[] {
    return JSON.parse(sessionStorage.getItem(this.kept) ?? "[]") as Action[];
  }
}

function post(action: Action): Promise<Response> {
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf"]')?.content ?? "";
  return fetch(action.address, {
    method: "POST",
    headers: { "X-CSRF-Token": token, "HX-Request": "true" },
    body: new URLSearchParams([...action.values, ["_key", action.key]]),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
}

function show(state: State, waiting = 0): void {
  const status = document.getElementById("act-status");
  if (!status) return;
  status.dataset.state = state;
  status.querySelector("[data-said]")!.textContent = (status.dataset[state === "signed-out" ? "signedOut" : state] ?? "").replace("{n}", String(waiting));
  status.querySelector("button")!.hidden = !["offline", "signed-out", "failed"].includes(state);
}

// -- the page

type Typing = { id: string; value: string | null; start: number | null; end: number | null };

// Shows an answer; `aside`: only what stands beside the designer.
function render(html: string, aside: boolean): void {
  const target = document.querySelector<HTMLElement>("[data-designer]");
  if (!target) return;
  const at = { swapDelay: 0, settleDelay: 0 };
  if (aside) return htmx.swap(target, html, { ...at, swapStyle: "none" }, { eventInfo: { target } });
  const scrolls = [...target.querySelectorAll<HTMLElement>("[data-scroll]")].map((box) => [box.dataset.scroll, box.scrollTop, box.scrollLeft] as const);
  const typing = beingTyped();
  htmx.swap(target, html, { ...at, swapStyle: "outerHTML" }, {
    eventInfo: { target },
    afterSwapCallback: () => {
      for (const [name, top, left] of scrolls) {
        const box = document.querySelector<HTMLElement>(`[data-scroll="${name}"]`);
        if (box) [box.scrollTop, box.scrollLeft] = [top, left];
      }
      goOnTyping(typing);
    },
  });
}

function beingTyped(): Typing | null {
  const active = document.activeElement;
  if (!(active instanceof HTMLElement) || !active.closest("[data-designer]") || !active.id) return null;
  const field = active instanceof HTMLInputElement || active instanceof HTMLTextAreaElement ? active : null;
  const typed = field && field.type !== "checkbox" && field.value !== field.defaultValue ? field.value : null;
  const marks = field && ["text", "textarea"].includes(field.type) ? [field.selectionStart, field.selectionEnd] : [null, null];
  return { id: active.id, value: typed, start: marks[0] ?? null, end: marks[1] ?? null };
}

function goOnTyping(typing: Typing | null): void {
  const wanted = document.querySelector<HTMLElement>("[data-designer] [data-focus]") ?? (typing ? document.getElementById(typing.id) : null);
  if (!wanted) {
    if (typing) document.querySelector<HTMLElement>("[data-designer]")?.focus({ preventScroll: true });
    return;
  }
  wanted.focus({ preventScroll: true });
  if (wanted.dataset.focus !== undefined && wanted instanceof HTMLInputElement) wanted.select();
  if (!typing || wanted.id !== typing.id || !(wanted instanceof HTMLInputElement || wanted instanceof HTMLTextAreaElement)) return;
  if (typing.value !== null) {
    wanted.value = typing.value;
    let told = false;
    wanted.addEventListener("change", () => (told = true), { once: true });
    // A browser does not tell of changes that a script made.
    wanted.addEventListener("blur", () => told || wanted.dispatchEvent(new Event("change", { bubbles: true })), { once: true });
  }
  if (typing.start !== null) wanted.setSelectionRange(typing.start, typing.end);
}

// -- what sets it off

let acting: Acting | undefined;

// Does something to the draft that the designer around `origin` shows.
export function act(origin: Element, values: Values): void {
  const address = origin.closest<HTMLElement>("[data-act]")?.dataset.act;
  if (address) (acting ??= new Acting()).add(address, Object.entries(values).map(([name, value]) => [name, String(value)]));
}

export function mount(element: HTMLElement): void {
  acting ??= new Acting();
  element.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-do]");
    if (button && !button.dataset.ask) act(button, JSON.parse(button.dataset.do ?? "{}") as Values);
    if (button?.dataset.ask) document.dispatchEvent(new CustomEvent("ask", { detail: { question: button.dataset.ask, then: () => act(button, JSON.parse(button.dataset.do ?? "{}") as Values) } }));
    if ((event.target as Element).closest("#act-status button")) acting?.again();
  });
  element.addEventListener("change", (event) => {
    const form = (event.target as Element).closest<HTMLFormElement>("form[data-do-form]");
    if (form && form.dataset.doForm !== "submit") sendForm(form);
  });
  element.addEventListener("submit", (event) => {
    const form = (event.target as Element).closest<HTMLFormElement>("form[data-do-form]");
    if (!form) return;
    event.preventDefault();
    if (form.dataset.doForm === "submit") sendForm(form);
  });
}

function sendForm(form: HTMLFormElement): void {
  const address = form.closest<HTMLElement>("[data-act]")?.dataset.act;
  if (!address || !form.reportValidity()) return;
  const values = [...new FormData(form).entries()].map(([name, value]): [string, string] => [name, String(value)]);
  acting?.add(address, values);
}
