// What a device knows: where it is, what a barcode before its camera says, a colour that is picked. All can be typed too.
import { changed } from "./pending";
import { showNotice } from "./notices";

type Detected = { rawValue: string };
type Detector = { detect(source: CanvasImageSource): Promise<Detected[]> };
declare const BarcodeDetector: { new (): Detector } | undefined;

export function setUpDevices(root: ParentNode): void {
  const canScan = typeof BarcodeDetector !== "undefined" && !!navigator.mediaDevices;
  for (const button of root.querySelectorAll<HTMLElement>("[data-scan]")) button.hidden = !canScan;
  for (const button of root.querySelectorAll<HTMLElement>("[data-locate]")) button.hidden = !("geolocation" in navigator);
  for (const well of root.querySelectorAll<HTMLElement>("[data-color-well]")) {
    well.hidden = false;
    well.removeAttribute("tabindex");
  }
}

export function listenToDevices(): void {
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const locate = target.closest<HTMLButtonElement>("[data-locate]");
    const scan = target.closest<HTMLButtonElement>("[data-scan]");
    const clear = target.closest<HTMLElement>("[data-radio-clear]");
    if (locate) find(locate);
    if (scan) void read(scan);
    if (clear) unpick(clear);
  });
  document.addEventListener("input", (event) => {
    const input = event.target as HTMLInputElement;
    const text = input.parentElement?.querySelector<HTMLInputElement>("input:not([type=color])");
    const well = input.parentElement?.querySelector<HTMLInputElement>("[data-color-well]");
    if (!well || !text) return;
    if (input === well) {
      text.value = well.value;
      changed(text);
    } else if (/^#[0-9a-f]{6}$/i.test(text.value)) well.value = text.value.toLowerCase();
  });
  document.addEventListener("change", (event) => {
    const clear = (event.target as Element).closest(".stars-input")?.querySelector<HTMLElement>("[data-radio-clear]");
    if (clear) clear.hidden = false;
  });
}

function unpick(button: HTMLElement): void {
  const box = button.closest<HTMLElement>("[role=radiogroup]")!;
  for (const input of box.querySelectorAll<HTMLInputElement>("input[type=radio]")) input.checked = false;
  button.hidden = true;
  changed(box);
  box.querySelector<HTMLInputElement>("input[type=radio]")?.focus();
}

function find(button: HTMLButtonElement): void {
  const input = button.parentElement!.querySelector("input")!;
  button.disabled = true;
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      button.disabled = false;
      input.value = `${coords.latitude.toFixed(6)}, ${coords.longitude.toFixed(6)}`;
      changed(input);
    },
    () => {
      button.disabled = false;
      showNotice(button.dataset.failed ?? "", "error");
      input.focus();
    },
    { enableHighAccuracy: true, timeout: 15_000 },
  );
}

async function read(button: HTMLButtonElement): Promise<void> {
  const input = button.parentElement!.querySelector("input")!;
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    showNotice(button.dataset.failed ?? "", "error");
    return input.focus();
  }
  const code = await watch(stream, button.dataset.title ?? "", button.dataset.cancel ?? "");
  for (const track of stream.getTracks()) track.stop();
  if (code) {
    input.value = code;
    changed(input);
  }
  input.focus();
}

function watch(stream: MediaStream, title: string, cancel: string): Promise<string> {
  const box = document.createElement("dialog");
  box.className = "dialog scanner";
  box.setAttribute("aria-label", title);
  const video = Object.assign(document.createElement("video"), { srcObject: stream, muted: true, playsInline: true });
  const words = Object.assign(document.createElement("p"), { textContent: title });
  const stop = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: cancel });
  stop.addEventListener("click", () => box.close());
  box.append(video, words, stop);
  document.body.append(box);
  box.showModal();
  void video.play();
  return new Promise((resolve) => {
    const detector = new BarcodeDetector!();
    let found = "";
    const look = window.setInterval(async () => {
      if (video.readyState < 2) return;
      const codes = await detector.detect(video).catch(() => []);
      if (!codes[0]) return;
      found = codes[0].rawValue;
      box.close();
    }, 200);
    box.addEventListener("close", () => {
      clearInterval(look);
      box.remove();
      resolve(found);
    });
  });
}
