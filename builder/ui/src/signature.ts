// A signature: drawn with any pointer, or the name typed; sent as a picture when the form is.
import SignaturePad from "signature_pad";
import { Refusal, upload } from "./files";
import { beforeSending, changed } from "./pending";

export function mount(box: HTMLElement): void {
  const canvas = box.querySelector("canvas")!;
  const kept = box.querySelector<HTMLInputElement>("[data-signature]")!;
  const sign = box.querySelector<HTMLElement>("[data-sign]")!;
  const signed = box.querySelector<HTMLElement>("[data-signed]")!;
  const name = box.querySelector<HTMLInputElement>("[data-sign-name]")!;
  // Ink on paper, in the dark look too: the picture must read on a printed page.
  const pad = new SignaturePad(canvas, { penColor: "#10182c", backgroundColor: "#ffffff", minWidth: 1, maxWidth: 3 });
  let fresh = false;

  const open = (): void => {
    signed.hidden = true;
    sign.hidden = false;
    fit(canvas);
    pad.clear();
  };
  const touched = (): void => {
    fresh = true;
    changed(kept);
  };
  pad.addEventListener("endStroke", touched);
  name.addEventListener("input", () => {
    write(canvas, pad, name.value.trim());
    fresh = name.value.trim() !== "";
  });
  box.querySelector("[data-sign-clear]")!.addEventListener("click", () => {
    pad.clear();
    name.value = "";
    fresh = false;
    kept.value = "";
    changed(kept);
    name.focus();
  });
  box.querySelector("[data-sign-again]")!.addEventListener("click", () => {
    open();
    kept.value = "";
    changed(kept);
    name.focus();
  });
  beforeSending(box.closest("form"), async () => {
    if (!fresh) return true;
    const done = await send(box, canvas, kept);
    if (done) fresh = false;
    return done;
  });
  if (!kept.value) open();
}

/** The canvas has as many dots as the screen shows, so that lines are sharp and land under the pointer. */
function fit(canvas: HTMLCanvasElement): void {
  const ratio = Math.max(window.devicePixelRatio || 1, 1);
  const area = canvas.getBoundingClientRect();
  if (!area.width) return;
  canvas.width = area.width * ratio;
  canvas.height = area.height * ratio;
  canvas.getContext("2d")!.scale(ratio, ratio);
}

function write(canvas: HTMLCanvasElement, pad: SignaturePad, text: string): void {
  pad.clear();
  if (!text) return;
  const area = canvas.getBoundingClientRect();
  const pen = canvas.getContext("2d")!;
  let height = area.height * 0.42;
  pen.fillStyle = "#10182c";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  do {
    pen.font = `italic ${height}px "Segoe Script", "Snell Roundhand", "STKaiti", "KaiTi", cursive`;
    height -= 2;
  } while (height > 12 && pen.measureText(text).width > area.width * 0.9);
  pen.fillText(text, area.width / 2, area.height / 2);
}

async function send(box: HTMLElement, canvas: HTMLCanvasElement, kept: HTMLInputElement): Promise<boolean> {
  const problem = box.querySelector<HTMLElement>("[data-file-error]")!;
  const picture = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  try {
    const file = new File([picture!], "signature.png", { type: "image/png" });
    kept.value = JSON.stringify(await upload(box.dataset.src!, file, () => undefined));
    problem.hidden = true;
    return true;
  } catch (error) {
    problem.textContent = error instanceof Refusal && error.message ? error.message : (box.dataset.textFailed ?? "");
    problem.hidden = false;
    return false;
  }
}
