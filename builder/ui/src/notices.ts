// Short messages at the foot of the page; screen readers hear them through the live region.
export function showNotice(text: string, kind = ""): void {
  const region = document.querySelector<HTMLElement>(".toasts");
  if (!region || !text) return;
  const toast = document.createElement("div");
  toast.className = `toast ${kind}`.trim();
  toast.textContent = text;
  region.append(toast);
  setTimeout(() => toast.remove(), kind === "error" ? 9000 : 5000);
}
