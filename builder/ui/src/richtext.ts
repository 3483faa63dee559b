// Formatted text: a <textarea> of HTML that becomes an editor; what it holds is made harmless on the server.
import { Editor } from "@tiptap/core";
import { StarterKit } from "@tiptap/starter-kit";
import { changed } from "./pending";

const TOOLS: Record<string, { run(editor: Editor): void; on?(editor: Editor): boolean; can?(editor: Editor): boolean }> = {
  bold: { run: (e) => e.chain().focus().toggleBold().run(), on: (e) => e.isActive("bold") },
  italic: { run: (e) => e.chain().focus().toggleItalic().run(), on: (e) => e.isActive("italic") },
  underline: { run: (e) => e.chain().focus().toggleUnderline().run(), on: (e) => e.isActive("underline") },
  strike: { run: (e) => e.chain().focus().toggleStrike().run(), on: (e) => e.isActive("strike") },
  heading: { run: (e) => e.chain().focus().toggleHeading({ level: 3 }).run(), on: (e) => e.isActive("heading") },
  bulletList: { run: (e) => e.chain().focus().toggleBulletList().run(), on: (e) => e.isActive("bulletList") },
  orderedList: { run: (e) => e.chain().focus().toggleOrderedList().run(), on: (e) => e.isActive("orderedList") },
  blockquote: { run: (e) => e.chain().focus().toggleBlockquote().run(), on: (e) => e.isActive("blockquote") },
  undo: { run: (e) => e.chain().focus().undo().run(), can: (e) => e.can().undo() },
  redo: { run: (e) => e.chain().focus().redo().run(), can: (e) => e.can().redo() },
};

export function mount(box: HTMLElement): void {
  const area = box.querySelector<HTMLTextAreaElement>("textarea")!;
  const tools = box.querySelector<HTMLElement>(".rich-tools")!;
  const place = document.createElement("div");
  place.className = "rich-area";
  box.append(place);
  const editor = new Editor({
    element: place,
    content: area.value,
    // The policy allows no styles but our own: ours stand in the style sheet.
    injectCSS: false,
    extensions: [StarterKit.configure({ link: { openOnClick: false, protocols: ["http", "https", "mailto"] }, heading: { levels: [2, 3, 4] } })],
    editorProps: { attributes: attributesOf(area, box.dataset.label ?? "") },
    onUpdate: () => {
      area.value = editor.isEmpty ? "" : editor.getHTML();
      changed(area);
    },
    onTransaction: () => mark(tools, editor),
  });
  area.hidden = true;
  // The label's click and the first problem's focus go to the editor.
  area.removeAttribute("aria-invalid");
  document.querySelector(`label[for="${area.id}"]`)?.addEventListener("click", () => editor.commands.focus());
  tools.hidden = false;
  setUpToolbar(box, tools, editor);
  mark(tools, editor);
}

function attributesOf(area: HTMLTextAreaElement, label: string): Record<string, string> {
  const found: Record<string, string> = { role: "textbox", "aria-multiline": "true", "aria-label": label, id: `${area.id}-rich` };
  for (const name of ["aria-required", "aria-invalid", "aria-describedby"]) {
    const value = area.getAttribute(name);
    if (value) found[name] = value;
  }
  return found;
}

/** A toolbar (WAI-ARIA 1.2): one stop of the tab key, arrows inside. */
function setUpToolbar(box: HTMLElement, tools: HTMLElement, editor: Editor): void {
  const buttons = [...tools.querySelectorAll<HTMLButtonElement>("[data-tool]")];
  buttons.forEach((button, index) => (button.tabIndex = index ? -1 : 0));
  tools.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-tool]");
    if (!button) return;
    if (button.dataset.tool === "link") openLink(box, editor);
    else TOOLS[button.dataset.tool ?? ""]?.run(editor);
  });
  tools.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = buttons[(at + step + buttons.length) % buttons.length]!;
    buttons.forEach((button) => (button.tabIndex = button === next ? 0 : -1));
    next.focus();
  });
  const dialog = box.querySelector<HTMLDialogElement>("[data-link-dialog]")!;
  const input = dialog.querySelector<HTMLInputElement>("[data-link-input]")!;
  const set = (): void => {
    const href = input.value.trim();
    dialog.close();
    if (!href) editor.chain().focus().extendMarkRange("link").unsetLink().run();
    else if (editor.state.selection.empty && !editor.isActive("link")) editor.chain().focus().insertContent({ type: "text", text: href, marks: [{ type: "link", attrs: { href } }] }).run();
    else editor.chain().focus().extendMarkRange("link").setLink({ href }).run();
  };
  dialog.querySelector("[data-link-set]")!.addEventListener("click", set);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    set();
  });
}

function openLink(box: HTMLElement, editor: Editor): void {
  const dialog = box.querySelector<HTMLDialogElement>("[data-link-dialog]")!;
  dialog.querySelector<HTMLInputElement>("[data-link-input]")!.value = String(editor.getAttributes("link").href ?? "");
  dialog.showModal();
}

function mark(tools: HTMLElement, editor: Editor): void {
  for (const button of tools.querySelectorAll<HTMLButtonElement>("[data-tool]")) {
    const tool = TOOLS[button.dataset.tool ?? ""];
    if (tool?.on) button.setAttribute("aria-pressed", String(tool.on(editor)));
    if (tool?.can) button.disabled = !tool.can(editor);
  }
}
