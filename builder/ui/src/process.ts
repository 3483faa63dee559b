// The process designer: bpmn-js draws, the server keeps. Every change is saved at once as an edit of the draft; what the panel
// changes comes back as a new drawing.
import Modeler from "bpmn-js/lib/Modeler";
import htmx from "htmx.org";
import { showNotice } from "./notices";
import { CHINESE } from "./process-words";

type Element = { id: string; type: string; labelTarget?: Element };
type Services = { get<T = any>(name: string): T; on(event: string, listener: (event: any) => void): void };

// What the engine does not run is not offered.
const NOT_OFFERED = /participant|data-object|data-store|group|complex-gateway|collapsed-pool|conditional-flow-message/;

export async function mount(element: HTMLElement): Promise<void> {
  const source = element.querySelector<HTMLTextAreaElement>(".bpmn-xml");
  const modeler = new Modeler({
    container: element,
    additionalModules: [words(element.dataset.locale ?? "en"), names, offers],
  }) as unknown as Modeler & Services;
  const designer = new Designer(element, modeler);
  await designer.show(source?.value ?? "", true);
}

class Designer {
  private saving: number | undefined;
  private queue: Promise<void> = Promise.resolve();
  private quiet = false;

  constructor(private readonly host: HTMLElement, private readonly modeler: Modeler & Services) {
    modeler.on("commandStack.changed", () => this.later());
    modeler.on("selection.changed", (event) => void this.select(event.newSelection as Element[]));
    document.addEventListener("htmx:afterSwap", (event) => {
      const from = (event as CustomEvent).detail.requestConfig?.elt as HTMLElement | undefined;
      if (from?.closest("[data-panel]")) void this.reload();
      else this.mark();
    });
    // What was drawn is on the server before the panel asks for it or changes it.
    document.addEventListener("htmx:confirm", (event) => {
      const detail = (event as CustomEvent).detail;
      if (this.saving === undefined || !(detail.elt as HTMLElement).closest("#process-side")) return;
      event.preventDefault();
      void this.save().then(() => detail.issueRequest());
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.saving !== undefined) event.preventDefault();
    });
  }

  async show(xml: string, fit = false): Promise<void> {
    this.quiet = true;
    const canvas = this.modeler.get("canvas");
    const before = fit ? undefined : canvas.viewbox();
    await this.modeler.importXML(xml);
    if (before) canvas.viewbox({ x: before.x, y: before.y, width: before.width, height: before.height });
    else fitBeside(canvas);
    this.quiet = false;
    this.mark();
  }

  private async reload(): Promise<void> {
    const answer = await fetch(this.host.dataset.xml ?? "", { headers: { Accept: "application/xml" } });
    if (!answer.ok) return;
    await this.show(await answer.text());
    const chosen = this.modeler.get("elementRegistry").get(this.side?.dataset.selected ?? "");
    this.quiet = true;
    if (chosen) this.modeler.get("selection").select(chosen);
    this.quiet = false;
  }

  private get side(): HTMLElement | null {
    return document.getElementById("process-side");
  }

  private later(): void {
    if (this.quiet) return;
    window.clearTimeout(this.saving);
    this.tell(this.host.dataset.saving);
    this.saving = window.setTimeout(() => void this.save(), 500);
  }

  private save(): Promise<void> {
    window.clearTimeout(this.saving);
    this.saving = undefined;
    this.queue = this.queue.then(() => this.send());
    return this.queue;
  }

  private async send(): Promise<void> {
    const { xml } = await this.modeler.saveXML({ format: false });
    const token = document.querySelector<HTMLMetaElement>('meta[name="csrf"]')?.content ?? "";
    const address = `${this.host.dataset.xml}?version=${this.side?.dataset.version ?? ""}`;
    try {
      const answer = await fetch(address, { method: "POST", body: xml, headers: { "X-CSRF-Token": token, "Content-Type": "application/xml", "HX-Request": "true" } });
      this.swap(await answer.text());
      this.tell(answer.ok ? this.host.dataset.saved : "");
    } catch {
      this.tell(this.host.dataset.failed);
      showNotice(this.host.dataset.failed ?? "", "error");
      this.saving = window.setTimeout(() => void this.save(), 5000);
    }
  }

  // The answer's problems and version; the panel stays as it is while somebody types in it.
  private swap(html: string): void {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const next = fresh.getElementById("process-side");
    const side = this.side;
    if (!next || !side) return;
    const panel = side.querySelector("aside.panel");
    next.querySelector("aside.panel")?.replaceWith(panel ?? "");
    const bar = next.querySelector("#draft-bar");
    bar?.removeAttribute("hx-swap-oob");
    if (bar) document.getElementById("draft-bar")?.replaceWith(bar);
    next.dataset.selected = side.dataset.selected;
    side.replaceWith(next);
    htmx.process(next);
    if (bar) htmx.process(bar);
    this.mark();
  }

  private async select(chosen: Element[]): Promise<void> {
    if (this.quiet || chosen.length !== 1) return;
    const id = (chosen[0].labelTarget ?? chosen[0]).id;
    if (this.saving !== undefined) await this.save();
    await htmx.ajax("get", `${this.host.dataset.page}?sel=${encodeURIComponent(id)}`, { target: "#process-side", select: "#process-side", swap: "outerHTML" });
  }

  private mark(): void {
    const canvas = this.modeler.get("canvas"), registry = this.modeler.get("elementRegistry");
    const faulty = new Set<string>(JSON.parse(this.side?.dataset.faulty ?? "[]"));
    for (const element of registry.getAll() as Element[]) {
      if (faulty.has(element.id)) canvas.addMarker(element.id, "faulty");
      else canvas.removeMarker(element.id, "faulty");
    }
  }

  private tell(text = ""): void {
    const state = document.getElementById("drawing-state");
    if (state) state.textContent = text;
  }
}

// The whole drawing, right of the palette.
function fitBeside(canvas: any): void {
  canvas.zoom("fit-viewport");
  const { inner, outer } = canvas.viewbox();
  const palette = 80, margin = 24;
  const scale = Math.min((outer.width - palette - 2 * margin) / inner.width, (outer.height - 2 * margin) / inner.height, 1);
  const width = outer.width / scale, height = outer.height / scale;
  const free = (outer.width - palette) / scale;
  canvas.viewbox({ x: inner.x - palette / scale - (free - inner.width) / 2, y: inner.y - (height - inner.height) / 2, width, height });
}

// Texts of bpmn-js in Chinese.
function words(locale: string) {
  const chosen: Record<string, string> = locale.startsWith("zh") ? CHINESE : {};
  const translate = (text: string, values: Record<string, string> = {}) =>
    (chosen[text] ?? text).replace(/{([^}]+)}/g, (_match, name: string) => values[name] ?? `{${name}}`);
  return { translate: ["value", translate] };
}

// New elements are named as in our files: task_1, flow_7.
class Names {
  static $inject = ["bpmnFactory", "elementRegistry", "moddle"];
  constructor(factory: any, registry: any, moddle: any) {
    factory._ensureId = (element: any) => {
      if (element.id || !factory._needsId(element)) return;
      const base = element.$type.replace(/^bpmn(di)?:/, "").replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase().replace("sequence_", "");
      let number = 1;
      while (registry.get(`${base}_${number}`) || moddle.ids.assigned(`${base}_${number}`)) number += 1;
      element.id = `${base}_${number}`;
      moddle.ids.claim(element.id, element);
    };
  }
}
const names = { __init__: ["ownNames"], ownNames: ["type", Names] };

class Offers {
  static $inject = ["palette", "popupMenu"];
  constructor(palette: any, menu: any) {
    const fewer = (entries: Record<string, unknown>) =>
      Object.fromEntries(Object.entries(entries).filter(([name]) => !NOT_OFFERED.test(name)));
    palette.registerProvider(100, { getPaletteEntries: () => fewer });
    menu.registerProvider("bpmn-replace", 100, { getPopupMenuEntries: () => fewer });
  }
}
const offers = { __init__: ["ownOffers"], ownOffers: ["type", Offers] };
