// JSON with colours and problems shown where they are; the textarea underneath is what is sent.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json, jsonParseLinter } from "@codemirror/lang-json";
import { bracketMatching, defaultHighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { linter, lintKeymap } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { changed } from "./pending";

export function mount(box: HTMLElement): void {
  const area = box.querySelector<HTMLTextAreaElement>("textarea")!;
  const lint = jsonParseLinter();
  const view = new EditorView({
    state: EditorState.create({
      doc: area.value,
      extensions: [
        EditorView.cspNonce.of(document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? ""),
        history(), bracketMatching(), json(), syntaxHighlighting(defaultHighlightStyle), EditorView.lineWrapping,
        keymap.of([...defaultKeymap, ...historyKeymap, ...lintKeymap]),
        linter((editor) => (editor.state.doc.toString().trim() ? lint(editor) : []), { delay: 400 }),
        EditorView.contentAttributes.of(attributesOf(area, box.dataset.label ?? "")),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          area.value = update.state.doc.toString();
          changed(area);
        }),
      ],
    }),
  });
  area.hidden = true;
  area.removeAttribute("aria-invalid");
  document.querySelector(`label[for="${area.id}"]`)?.addEventListener("click", () => view.focus());
  box.append(view.dom);
}

function attributesOf(area: HTMLTextAreaElement, label: string): Record<string, string> {
  const found: Record<string, string> = { "aria-label": label };
  for (const name of ["aria-required", "aria-invalid", "aria-describedby"]) {
    const value = area.getAttribute(name);
    if (value) found[name] = value;
  }
  return found;
}
