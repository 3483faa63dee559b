// Tells the server where a card was put; it decides, and says why where it refuses.
import htmx from "htmx.org";
import { showNotice } from "../notices";

export type Figures = Record<string, { count: string; sums: string[] }>;
export type Placed = { version: number; columns: Figures; text: string };

// What came of it; null where it was refused, which has then been said.
export async function place(view: HTMLElement, card: HTMLElement, fields: Record<string, string | number>): Promise<Placed | null> {
  const body = new URLSearchParams({ version: card.dataset.version ?? "" });
  for (const [name, value] of Object.entries(fields)) body.set(name, String(value));
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf"]')?.content ?? "";
  let answer: Response;
  try {
    answer = await fetch(`${view.dataset.place}${card.dataset.card}/place${view.dataset.query ?? ""}`, { method: "POST", body, headers: { "X-CSRF-Token": token, Accept: "application/json" } });
  } catch {
    showNotice(document.body.dataset.textOffline ?? "", "error");
    return null;
  }
  const told = answer.headers.get("Content-Type")?.startsWith("application/json") ? ((await answer.json()) as Placed & { error?: string }) : null;
  if (answer.ok && told) return told;
  showNotice(told?.error ?? document.body.dataset.textFailed ?? "", "error");
  return null;
}

// Draws the view anew, and gives the focus back to the card.
export async function redraw(card: string): Promise<void> {
  if (!document.getElementById("list-body")) return location.reload();
  await htmx.ajax("get", location.href, { target: "#list-body", select: "#list-body", swap: "outerHTML" });
  document.querySelector<HTMLElement>(`[data-card="${card}"] a, a[data-card="${card}"]`)?.focus();
}
