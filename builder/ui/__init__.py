"""The browser part: TypeScript and CSS sources, and the command that bundles them."""
