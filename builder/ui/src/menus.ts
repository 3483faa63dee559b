// Menus are <details>: they work without script; here they close again, and the sidebar slides in on a phone.
export function setUpMenus(): void {
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
      if (!menu.contains(target)) menu.open = false;
    }
    const toggle = target.closest<HTMLElement>("[data-toggle-sidebar]");
    if (toggle) setSidebar(!document.querySelector(".sidebar")?.classList.contains("open"));
    const theme = target.closest<HTMLElement>("[data-theme-choice]");
    if (theme) chooseTheme(theme.dataset.themeChoice ?? "auto");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeInnermost();
    if (event.key === "/" && !isTyping(event.target)) focusSearch(event);
  });
  for (const item of document.querySelectorAll<HTMLElement>("[data-autosubmit]")) {
    item.addEventListener("change", () => item.closest("form")?.requestSubmit());
  }
}

function setSidebar(open: boolean): void {
  const sidebar = document.querySelector<HTMLElement>(".sidebar");
  if (!sidebar) return;
  sidebar.classList.toggle("open", open);
  document.querySelector("[data-toggle-sidebar][aria-expanded]")?.setAttribute("aria-expanded", String(open));
  document.querySelector(".scrim")?.toggleAttribute("hidden", !open);
  if (open) sidebar.querySelector<HTMLElement>("a, button")?.focus();
}

function closeInnermost(): void {
  const open = [...document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")].pop();
  if (open) {
    open.open = false;
    open.querySelector<HTMLElement>("summary")?.focus();
  } else if (document.querySelector(".sidebar.open")) {
    setSidebar(false);
    document.querySelector<HTMLElement>("[data-toggle-sidebar][aria-expanded]")?.focus();
  }
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

// The search of the page where it has one, and else that of all apps.
function focusSearch(event: KeyboardEvent): void {
  const search = document.querySelector<HTMLElement>("main input[type=search]") ?? document.getElementById("search-all");
  if (!search || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (search instanceof HTMLAnchorElement) search.click();
  else search.focus();
}

function chooseTheme(choice: string): void {
  const year = 60 * 60 * 24 * 365;
  document.cookie = `dg_theme=${choice}; path=/; max-age=${year}; samesite=lax`;
  if (choice === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
}
