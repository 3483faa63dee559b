// Buttons that copy what stands in an input: data-copy names it, data-done is what is said then.
import { showNotice } from "./notices";

export function setUpCopying(): void {
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-copy]");
    const source = button && document.querySelector<HTMLInputElement>(button.dataset.copy ?? "");
    if (button && source) void copy(source).then(() => showNotice(button.dataset.done ?? ""));
  });
}

async function copy(source: HTMLInputElement): Promise<void> {
  source.select();
  // Only pages served over TLS, or from this machine, are given the clipboard.
  if (navigator.clipboard) await navigator.clipboard.writeText(source.value);
  else document.execCommand("copy");
}
