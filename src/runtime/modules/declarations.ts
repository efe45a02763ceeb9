import text from "./declarations.txt" with { type: "text" }

/** The contents of `stem.d.ts`: types of `import … from "stem"` for editors, where nothing is installed. */
export const stemDeclarations: string = text
