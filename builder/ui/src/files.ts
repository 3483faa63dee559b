// Files of a field: chosen, dropped, pasted or photographed; each is sent at once with its progress, and the form sends
// what the server answered. Without script the same inputs travel with the form itself.
import { beforeSending, changed, fill, token } from "./pending";

export type Sent = { id: string; name: string; size: number; type: string };
const running = new WeakMap<HTMLElement, Set<Promise<void>>>();

export function setUpFiles(): void {
  document.addEventListener("change", (event) => {
    const input = event.target as HTMLInputElement;
    const box = input.type === "file" ? input.closest<HTMLElement>("[data-files]") : null;
    if (!box || !box.dataset.src || !input.files?.length) return;
    const files = [...input.files];
    input.value = "";
    void add(box, files);
  });
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-file-remove]");
    if (button) remove(button);
  });
  for (const name of ["dragenter", "dragover"]) document.addEventListener(name, (event) => over(event as DragEvent));
  document.addEventListener("dragleave", (event) => (event.target as Element).closest?.("[data-drop]")?.classList.remove("over"));
  document.addEventListener("drop", (event) => take(event as DragEvent));
  document.addEventListener("paste", (event) => {
    const box = (event.target as Element).closest<HTMLElement>("[data-files]");
    const files = [...((event as ClipboardEvent).clipboardData?.files ?? [])];
    if (!box || !files.length) return;
    event.preventDefault();
    void add(box, files);
  });
}

function over(event: DragEvent): void {
  const drop = (event.target as Element).closest?.("[data-drop]");
  if (!drop || !event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  drop.classList.add("over");
}

function take(event: DragEvent): void {
  const drop = (event.target as Element).closest?.("[data-drop]");
  const box = drop?.closest<HTMLElement>("[data-files]");
  if (!drop || !box || !event.dataTransfer?.files.length) return;
  event.preventDefault();
  drop.classList.remove("over");
  void add(box, [...event.dataTransfer.files]);
}

async function add(box: HTMLElement, files: File[]): Promise<void> {
  complain(box, "");
  const most = Number(box.dataset.most ?? "1");
  const list = box.querySelector<HTMLElement>("[data-file-list]")!;
  // One file only: the new one takes the place of the old.
  if (most === 1) list.replaceChildren();
  const room = most - list.children.length;
  if (files.length > room) complain(box, fill(box.dataset.textMany ?? "", { max: most }));
  const waiting = running.get(box) ?? new Set<Promise<void>>();
  running.set(box, waiting);
  beforeSending(box.closest("form"), sendersOf(box));
  const jobs = files.slice(0, room).map((file) => {
    const job = send(box, list, file).finally(() => waiting.delete(job));
    waiting.add(job);
    return job;
  });
  await Promise.all(jobs);
}

const senders = new WeakMap<HTMLElement, () => Promise<boolean>>();

function sendersOf(box: HTMLElement): () => Promise<boolean> {
  const known = senders.get(box) ?? (async () => {
    const waiting = running.get(box);
    if (waiting?.size) tell(box, box.dataset.textBusy ?? "");
    await Promise.all(waiting ?? []);
    return box.querySelector("[data-file-error]:not([hidden])") === null || !waiting?.size;
  });
  senders.set(box, known);
  return known;
}

async function send(box: HTMLElement, list: HTMLElement, file: File): Promise<void> {
  const largest = Number(box.dataset.largest ?? "0");
  if (largest && file.size > largest) return complain(box, fill(box.dataset.textLarge ?? "", { name: file.name, max: size(largest) }));
  const item = itemFor(box, file);
  list.append(item);
  try {
    const sent = await upload(box.dataset.src!, file, (share) => progress(item, share));
    keep(item, sent);
    changed(list);
    tell(box, fill(box.dataset.textDone ?? "", { name: sent.name }));
  } catch (error) {
    item.remove();
    complain(box, error instanceof Refusal && error.message ? error.message : fill(box.dataset.textFailed ?? "", { name: file.name }));
  }
}

export class Refusal extends Error {}

/** Sends one file and gives what the server keeps of it; `Refusal` with its words where it is not taken. */
export function upload(address: string, file: File, told: (share: number) => void): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const data = new FormData();
    data.append("file", file, file.name);
    request.open("POST", address);
    request.setRequestHeader("X-CSRF-Token", token());
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => event.lengthComputable && told(event.loaded / event.total);
    request.onerror = () => reject(new Refusal(""));
    request.onload = () => {
      const answer = read(request.responseText);
      if (request.status === 201 && "id" in answer) resolve(answer as Sent);
      else reject(new Refusal("error" in answer ? String(answer.error) : ""));
    };
    request.send(data);
  });
}

function read(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function itemFor(box: HTMLElement, file: File): HTMLElement {
  const template = box.querySelector<HTMLTemplateElement>("template")!;
  const item = template.content.firstElementChild!.cloneNode(true) as HTMLElement;
  const input = item.querySelector<HTMLInputElement>("input")!;
  input.name = box.dataset.files ?? input.name;
  item.querySelector(".file-name")!.textContent = file.name;
  item.querySelector(".file-size")!.textContent = size(file.size);
  item.querySelector("[data-file-remove]")!.setAttribute("aria-label", `${item.querySelector("[data-file-remove]")!.getAttribute("aria-label") ?? ""} ${file.name}`.trim());
  if (/^image\/(png|jpeg|gif|webp)$/.test(file.type)) {
    const picture = document.createElement("img");
    picture.alt = "";
    picture.src = URL.createObjectURL(file);
    picture.onload = () => URL.revokeObjectURL(picture.src);
    item.querySelector(".file-picture")!.replaceChildren(picture);
  }
  return item;
}

function keep(item: HTMLElement, sent: Sent): void {
  const input = item.querySelector<HTMLInputElement>("input")!;
  input.value = JSON.stringify(sent);
  input.disabled = false;
  item.querySelector("progress")?.toggleAttribute("hidden", true);
}

function progress(item: HTMLElement, share: number): void {
  const bar = item.querySelector<HTMLProgressElement>("progress");
  if (!bar) return;
  bar.hidden = false;
  bar.value = Math.round(share * 100);
}

function remove(button: HTMLElement): void {
  const box = button.closest<HTMLElement>("[data-files]")!;
  const item = button.closest<HTMLElement>("[data-file]")!;
  const name = item.querySelector(".file-name")?.textContent ?? "";
  item.remove();
  complain(box, "");
  changed(box.querySelector("[data-file-list]")!);
  tell(box, fill(box.dataset.textRemoved ?? "", { name }));
  box.querySelector<HTMLInputElement>("input[type=file]")?.focus();
}

function complain(box: HTMLElement, text: string): void {
  const place = box.querySelector<HTMLElement>("[data-file-error]");
  if (!place) return;
  place.textContent = text;
  place.hidden = !text;
}

function tell(box: HTMLElement, text: string): void {
  const place = box.querySelector("[data-told]");
  if (place) place.textContent = text;
}

export function size(bytes: number): string {
  for (const [unit, factor] of [["GB", 1024 ** 3], ["MB", 1024 ** 2], ["KB", 1024]] as const) {
    if (bytes >= factor) return `${(bytes / factor).toFixed(1).replace(/\.0$/, "")} ${unit}`;
  }
  return `${bytes} B`;
}
