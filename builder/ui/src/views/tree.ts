// A tree: what is below a record is read when it is opened for the first time.
import htmx from "htmx.org";
import { showNotice } from "../notices";

export function mount(tree: HTMLElement): void {
  tree.addEventListener("click", (event) => {
    const toggle = (event.target as Element).closest<HTMLElement>("[data-branch]");
    if (!toggle) return;
    event.preventDefault();
    void turn(toggle);
  });
  tree.addEventListener("keydown", (event) => {
    const toggle = (event.target as Element).closest<HTMLElement>("[data-branch]");
    if (!toggle) return;
    const expanded = toggle.getAttribute("aria-expanded") === "true";
    if (event.key === " " || (event.key === "ArrowRight" && !expanded) || (event.key === "ArrowLeft" && expanded)) {
      event.preventDefault();
      void turn(toggle);
    }
  });
}

async function turn(toggle: HTMLElement): Promise<void> {
  const item = toggle.closest("li")!;
  let below = item.querySelector<HTMLElement>(":scope > ul");
  const open = toggle.getAttribute("aria-expanded") !== "true";
  toggle.setAttribute("aria-expanded", String(open));
  if (below) {
    below.hidden = !open;
    return;
  }
  below = document.createElement("ul");
  item.append(below);
  try {
    const answer = await fetch(toggle.dataset.branch ?? "", { headers: { "HX-Request": "true" } });
    if (!answer.ok) throw new Error(String(answer.status));
    below.innerHTML = await answer.text();
    htmx.process(below);
  } catch {
    below.remove();
    toggle.setAttribute("aria-expanded", "false");
    showNotice(document.body.dataset.textOffline ?? "", "error");
  }
}
