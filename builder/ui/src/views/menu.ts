// A menu that a button opens: arrows walk through it, Escape closes it and gives the focus back.
type Item = { label: string; run: () => void };

export function openMenu(button: HTMLElement, label: string, items: Item[]): void {
  document.querySelector(".view-menu")?.remove();
  const menu = document.createElement("div");
  menu.className = "menu-body view-menu";
  menu.setAttribute("role", "menu");
  menu.setAttribute("aria-label", label);
  const close = (back: boolean) => {
    menu.remove();
    document.removeEventListener("pointerdown", outside, true);
    if (back) button.focus();
  };
  const outside = (event: Event) => {
    if (!menu.contains(event.target as Node)) close(false);
  };
  for (const item of items) {
    const entry = Object.assign(document.createElement("button"), { type: "button", className: "menu-item", textContent: item.label });
    entry.setAttribute("role", "menuitem");
    entry.addEventListener("click", () => {
      close(false);
      item.run();
    });
    menu.append(entry);
  }
  menu.addEventListener("keydown", (event) => {
    const entries = [...menu.querySelectorAll<HTMLElement>("button")];
    const here = entries.indexOf(document.activeElement as HTMLElement);
    if (event.key === "Escape" || event.key === "Tab") close(true);
    else if (event.key === "ArrowDown") entries[(here + 1) % entries.length]?.focus();
    else if (event.key === "ArrowUp") entries[(here - 1 + entries.length) % entries.length]?.focus();
    else return;
    event.preventDefault();
  });
  document.body.append(menu);
  const at = button.getBoundingClientRect();
  menu.style.top = `${Math.max(8, Math.min(at.bottom + scrollY + 4, scrollY + innerHeight - menu.offsetHeight - 8))}px`;
  menu.style.left = `${Math.max(8, Math.min(at.left + scrollX, innerWidth - menu.offsetWidth - 8))}px`;
  document.addEventListener("pointerdown", outside, true);
  menu.querySelector<HTMLElement>("button")?.focus();
}
